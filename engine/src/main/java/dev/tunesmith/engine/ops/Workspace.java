package dev.tunesmith.engine.ops;

import dev.tunesmith.engine.tensor.Device;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;

/// Working memory that lives as long as the thread that computes, and whose content means nothing
/// after an operation. All pages are touched at the start and stay, so that no operation causes
/// page faults, whichever of its threads takes which part.
final class Workspace {

    private static final ThreadLocal<Workspace> OWN = ThreadLocal.withInitial(Workspace::new);

    private Region region = Region.lasting("workspace");
    private Tensor block = Elementwise.bytes(region, 4096);

    private Workspace() {}

    /// At least that many bytes, until the next call on this thread.
    static Tensor bytes(long bytes) {
        Workspace own = OWN.get();
        if (own.block.bytes() < bytes || own.region.device() != Device.current()) {
            own.region.close();
            own.region = Region.lasting("workspace");
            own.block = Elementwise.bytes(own.region, bytes);
            own.block.clear();
        }
        return own.block;
    }
}
