package dev.tunesmith.inference.weights;

import dev.tunesmith.contracts.fit.ModelFacts;
import java.io.IOException;
import java.util.Locale;
import java.util.OptionalLong;

/// What a model may take of a device that tells how many bytes it still has. One that does not, the
/// CPU, gives whatever is asked for: pages that nobody touches cost nothing there.
record DeviceRoom(OptionalLong freeBytes) {
    /// A weight in bfloat16.
    private static final int WEIGHT_BYTES = 2;

    /// Share of the free memory that the cache may take; steps and adapters need the rest.
    private static final double CACHE_SHARE = 0.8;

    private static final int CACHE_TOKENS_MIN = 256;

    boolean isLimited() {
        return freeBytes.isPresent();
    }

    /// @throws IOException with the numbers if they do not
    void requireWeights(ModelFacts model) throws IOException {
        require("weights", WEIGHT_BYTES * model.parameters());
    }

    /// As many tokens of cache as are wanted, or as there is room for.
    ///
    /// @throws IOException if that is too little to answer anything
    int cacheTokens(int wanted, long bytesPerToken) throws IOException {
        if (freeBytes.isEmpty()) {
            return wanted;
        }
        require("smallest cache", Math.min(wanted, CACHE_TOKENS_MIN) * bytesPerToken);
        return (int) Math.min(wanted, (long) (freeBytes.getAsLong() * CACHE_SHARE) / bytesPerToken);
    }

    private void require(String what, long bytes) throws IOException {
        if (freeBytes.isPresent() && bytes > freeBytes.getAsLong() * CACHE_SHARE) {
            throw new IOException(
                    String.format(
                            Locale.ROOT,
                            "its %s of %.1f GiB do not fit beside what the device holds, %.1f GiB are free; lower tunesmith.serving.models-max or serve it on another device",
                            what,
                            bytes / (double) (1 << 30),
                            freeBytes.getAsLong() / (double) (1 << 30)));
        }
    }
}
