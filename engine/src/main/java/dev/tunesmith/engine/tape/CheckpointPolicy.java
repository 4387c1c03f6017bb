package dev.tunesmith.engine.tape;

import dev.tunesmith.contracts.fit.Recompute;

/// What the backward pass computes again instead of finding it in memory.
public enum CheckpointPolicy {
    /// Nothing: fastest, most memory.
    NONE,
    /// Attention with its projections; the MLP keeps what it computed.
    ATTENTION,
    /// Every second block.
    SELECTIVE,
    /// Every block, of which only the input is kept: about a third more work, least memory.
    BLOCK;

    /// What a job's setting means; where inputs wait in a file is the tape's affair.
    public static CheckpointPolicy of(Recompute asked) {
        return switch (asked) {
            case NONE -> NONE;
            case ATTENTION -> ATTENTION;
            case SELECTIVE -> SELECTIVE;
            case BLOCK, OFFLOAD -> BLOCK;
        };
    }

    /// Every block keeps everything.
    public static CheckpointPolicy keepAll() {
        return NONE;
    }

    /// Every block keeps only its input.
    public static CheckpointPolicy recomputeAll() {
        return BLOCK;
    }

    /// Whether block number `block` computes everything again.
    public boolean recomputesBlock(int block) {
        return switch (this) {
            case NONE, ATTENTION -> false;
            case SELECTIVE -> block % 2 == 0;
            case BLOCK -> true;
        };
    }

    /// Whether blocks compute their attention again.
    public boolean recomputesAttention() {
        return this == ATTENTION;
    }
}
