package io.sluiceway.faults;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.Opcode;
import java.lang.classfile.instruction.ReturnInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.lang.instrument.ClassFileTransformer;
import java.lang.instrument.Instrumentation;
import java.lang.instrument.UnmodifiableClassException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.ProtectionDomain;
import java.time.Clock;
import java.time.Duration;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.jspecify.annotations.Nullable;

/**
 * Sets the clock of a JVM wrong: as an agent, it makes {@link Clock#systemUTC()} and {@link java.time.Instant#now()}
 * tell another time. The package that is tested stays as it is.
 */
public final class ClockAgent {
    private static final ClassDesc INSTANT = ClassDesc.of("java.time.Instant");
    private static final MethodTypeDesc PLUS_SECONDS = MethodTypeDesc.of(INSTANT, ConstantDescs.CD_long);

    private ClockAgent() {}

    /**
     * Called by the JVM before {@code main}.
     *
     * @param offset how much the clock is ahead, as an ISO-8601 duration
     */
    public static void premain(String offset, Instrumentation instrumentation) throws UnmodifiableClassException {
        long seconds = Duration.parse(offset).toSeconds();
        ClassFileTransformer transformer = new ClassFileTransformer() {
            @Override
            public byte @Nullable [] transform(
                    @Nullable ClassLoader loader,
                    String name,
                    @Nullable Class<?> redefined,
                    @Nullable ProtectionDomain domain,
                    byte[] bytes) {
                return name.equals("java/time/Clock") ? shift(bytes, seconds) : null;
            }
        };
        instrumentation.addTransformer(transformer, true);
        instrumentation.retransformClasses(Clock.class);
        instrumentation.removeTransformer(transformer);
    }

    /** {@code Clock.currentInstant()} is where both get the time from. */
    private static byte[] shift(byte[] clock, long seconds) {
        CodeTransform later = (code, element) -> {
            if (element instanceof ReturnInstruction end && end.opcode() == Opcode.ARETURN) {
                code.loadConstant(seconds).invokevirtual(INSTANT, "plusSeconds", PLUS_SECONDS);
            }
            code.with(element);
        };
        ClassFile file = ClassFile.of();
        return file.transformClass(
                file.parse(clock),
                ClassTransform.transformingMethodBodies(
                        method -> method.methodName().equalsString("currentInstant"), later));
    }

    /** Writes the agent's jar. */
    static Path write(Path file) {
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().putValue("Premain-Class", ClockAgent.class.getName());
        manifest.getMainAttributes().putValue("Can-Retransform-Classes", "true");
        try (OutputStream out = Files.newOutputStream(file);
                JarOutputStream jar = new JarOutputStream(out, manifest)) {
            for (String part : new String[] {"ClockAgent", "ClockAgent$1"}) {
                String entry = "io/sluiceway/faults/" + part + ".class";
                jar.putNextEntry(new JarEntry(entry));
                try (InputStream bytes = ClockAgent.class.getClassLoader().getResourceAsStream(entry)) {
                    bytes.transferTo(jar);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return file;
    }
}
