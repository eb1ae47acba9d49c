package io.sluiceway.infra.settings;

/** How the functions are packaged. It decides the artifact that is deployed and the runtime that runs it. */
public enum Packaging {
    /** A native binary on {@code provided.al2023}: what AWS stages use unless they have a reason not to. */
    NATIVE("function.zip"),
    /** Java on Lambda's own {@code java25} runtime. */
    JVM_MANAGED("function.zip"),
    /**
     * Java behind a {@code bootstrap} that starts the laptop's own JDK. It needs no GraalVM to build; AWS has no such
     * JDK, so only the stage {@code local} takes it.
     */
    JVM_LOCAL("function-local.zip");

    private final String artifact;

    Packaging(String artifact) {
        this.artifact = artifact;
    }

    /** {@return the file's name in the directory that the build of the functions writes to} */
    public String artifact() {
        return artifact;
    }
}
