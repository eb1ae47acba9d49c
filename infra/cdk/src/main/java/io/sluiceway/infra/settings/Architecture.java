package io.sluiceway.infra.settings;

/**
 * The processors that the functions run on. A native binary, or a package with a runtime of its own, has to be built
 * for the same one.
 */
public enum Architecture {
    ARM_64,
    X86_64
}
