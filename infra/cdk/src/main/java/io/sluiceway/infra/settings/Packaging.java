package io.sluiceway.infra.settings;

/** How the functions are packaged. It decides the artifact that is deployed and the runtime that runs it. */
public enum Packaging {
    /** A native binary on {@code provided.al2023}: what AWS stages use unless they have a reason not to. */
    NATIVE("native/function.zip", "make native"),
    /** Java on Lambda's own {@code java25} runtime. */
    JVM_MANAGED("function.zip", "make build"),
    /**
     * Java on {@code provided.al2023} with a runtime of its own and an AOT cache: no native build, and no snapshot. It
     * runs on machines of the architecture that it was made on.
     */
    JVM_AOT("function-aot.zip", "make aot"),
    /**
     * Java behind a {@code bootstrap} that starts the laptop's own JDK. It needs no GraalVM to build; AWS has no such
     * JDK, so only the stage {@code local} takes it.
     */
    JVM_LOCAL("function-local.zip", "make build");

    private final String artifact;
    private final String command;

    Packaging(String artifact, String command) {
        this.artifact = artifact;
        this.command = command;
    }

    /** {@return the file's path below the directory that the build of the functions writes to} */
    public String artifact() {
        return artifact;
    }

    /** {@return what builds it, from the project's root} */
    public String command() {
        return command;
    }
}
