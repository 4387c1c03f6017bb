package dev.tunesmith.engine.tape;

/// Which blocks keep their intermediate results and which compute them again in the backward pass.
///
/// @param blocksKept how many of the last blocks keep theirs; those are the first ones needed
public record CheckpointPolicy(int blocksKept) {

    /// Every block keeps everything: fastest, most memory.
    public static CheckpointPolicy keepAll() {
        return new CheckpointPolicy(Integer.MAX_VALUE);
    }

    /// Every block keeps only its input: about a third more work, least memory.
    public static CheckpointPolicy recomputeAll() {
        return new CheckpointPolicy(0);
    }

    /// Whether block `block` of `blocks` computes again.
    public boolean recomputes(int block, int blocks) {
        return block < (long) blocks - blocksKept;
    }
}
