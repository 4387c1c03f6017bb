package dev.tunesmith.engine.tensor;

import dev.tunesmith.contracts.fit.MemoryPlan;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The memory of one training or decoding step, used as a stack of regions.
///
/// Blocks are mapped when first needed and then reused step after step, so that a step that ran
/// once causes no page fault again. Only the innermost open region may take memory.
public final class StepArena implements AutoCloseable {

    private static final long BLOCK_BYTES_MIN = 64L << 20;

    /// More than this is not ready before the first step reaches it.
    private static final long READY_BYTES_MAX = 2L << 30;

    private final Device device = Device.current();
    private final long bytesMax;
    private final List<Device.Block> blocks = new ArrayList<>();
    private final Deque<Mark> marks = new ArrayDeque<>();
    private @Nullable ReadyAhead readying;
    private int block;
    private long used;
    private long takenBytes;
    private long mappedBytes;
    private long peakBytes;

    /// Where the stack stood when a region was opened.
    private record Mark(Region region, int block, long used, long takenBytes) {}

    /// An empty arena that maps at most `bytesMax` bytes.
    public StepArena(long bytesMax) {
        this.bytesMax = bytesMax;
    }

    /// An arena limited by nothing but the machine.
    public static StepArena unlimited() {
        return new StepArena(Long.MAX_VALUE);
    }

    /// An arena that maps what a step is planned to take and makes it ready on another thread, in
    /// the order in which steps use it, while its owner does something else. It may grow beyond
    /// that.
    public static StepArena planned(MemoryPlan plan) {
        return planned(plan.section("activations") + plan.section("workspace"));
    }

    static StepArena planned(long bytes) {
        StepArena arena = unlimited();
        arena.prepare(bytes);
        return arena;
    }

    private void prepare(long bytes) {
        if (bytes <= 0 || !device.hostVisible()) {
            return;
        }
        map(bytes);
        readying = new ReadyAhead(blocks.getFirst(), Math.min(bytes, READY_BYTES_MAX));
    }

    /// Waits until what was planned is ready.
    void awaitReady() {
        ReadyAhead now = readying;
        if (now != null) {
            now.await();
        }
    }

    /// Opens a region on top of the stack. Close it before the regions below.
    public Region open(String name) {
        Region region = new Region(name, new Stretch());
        marks.push(new Mark(region, block, used, takenBytes));
        return region;
    }

    /// Bytes mapped so far: the high-water mark, rounded up to blocks.
    public long mappedBytes() {
        return mappedBytes;
    }

    /// Largest number of bytes in use at once.
    public long peakBytes() {
        return peakBytes;
    }

    /// Number of open regions; 0 between steps.
    public int depth() {
        return marks.size();
    }

    private long take(Region taker, long bytes) {
        Mark top = marks.peek();
        if (top == null || top.region() != taker) {
            throw new IllegalStateException(
                    "only the innermost region may take memory, which %s is not"
                            .formatted(taker.name()));
        }
        while (block < blocks.size() && blocks.get(block).bytes() - used < bytes) {
            block++;
            used = 0;
        }
        if (block == blocks.size()) {
            map(Math.max(bytes, blockBytes()));
        }
        long address = blocks.get(block).address() + used;
        used += bytes;
        takenBytes += bytes;
        peakBytes = Math.max(peakBytes, takenBytes);
        MemoryUse.add(bytes);
        return address;
    }

    /// Where pages that nobody touched cost nothing, blocks double, so that few tensors lie behind
    /// a gap.
    private long blockBytes() {
        return device.hostVisible()
                ? Math.clamp(
                        mappedBytes,
                        BLOCK_BYTES_MIN,
                        Math.max(BLOCK_BYTES_MIN, bytesMax - mappedBytes))
                : BLOCK_BYTES_MIN;
    }

    private void map(long bytes) {
        if (mappedBytes > bytesMax - bytes) {
            throw new OutOfMemoryError(
                    ("the step needs more than its %d bytes; make the batch or the documents"
                                    + " shorter, or recompute more")
                            .formatted(bytesMax));
        }
        Device.Block fresh = device.allocateForStep(bytes);
        blocks.add(fresh);
        mappedBytes += fresh.bytes();
        used = 0;
    }

    private void giveBack(Region region) {
        Mark top = marks.peek();
        if (top == null || top.region() != region) {
            throw new IllegalStateException(
                    "region %s ends before the regions inside it".formatted(region.name()));
        }
        marks.pop();
        MemoryUse.add(top.takenBytes() - takenBytes);
        block = top.block();
        used = top.used();
        takenBytes = top.takenBytes();
    }

    /// Ends all open regions and unmaps everything.
    @Override
    public void close() {
        while (!marks.isEmpty()) {
            marks.getFirst().region().close();
        }
        ReadyAhead now = readying;
        if (now != null) {
            now.close();
        }
        blocks.forEach(Device.Block::close);
        blocks.clear();
        mappedBytes = 0;
    }

    /// The part of the stack that belongs to one region.
    private final class Stretch implements Region.Source {
        @Override
        public Device device() {
            return device;
        }

        @Override
        public long take(Region taker, long bytes) {
            return StepArena.this.take(taker, bytes);
        }

        @Override
        public void giveBack(Region region) {
            StepArena.this.giveBack(region);
        }
    }
}
