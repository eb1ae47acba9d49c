package io.sluiceway.infra.settings;

/** The processors that the functions run on. A native binary has to be built for the same one. */
public enum Architecture {
    ARM_64,
    X86_64
}
