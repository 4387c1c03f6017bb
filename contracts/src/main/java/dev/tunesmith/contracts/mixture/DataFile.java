package dev.tunesmith.contracts.mixture;

import dev.tunesmith.contracts.id.FileId;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// One file of a mixture.
///
/// @param weight its share of the rows beside the other weights; null for all files alike
/// @param numSamples so many rows are drawn by lot, some several times if there are fewer
/// @param maxSamples the first so many rows of those
/// @param name what it is called in a `dataset_info.json`
public record DataFile(
        FileId file,
        @Nullable Double weight,
        @Nullable Integer numSamples,
        @Nullable Integer maxSamples,
        @Nullable String name,
        Reading reading) {

    /// All rows of a file.
    public static DataFile whole(FileId file) {
        return new DataFile(file, null, null, null, null, Reading.RECOGNISED);
    }

    /// Whether all rows count once.
    public boolean isWhole() {
        return numSamples == null && maxSamples == null;
    }

    /// What it is called in events.
    public String shown() {
        return name == null ? file.wire() : name;
    }

    /// Every value that was given, as it stands in a spec.
    public Map<String, Object> wire() {
        Map<String, Object> wire = new LinkedHashMap<>();
        wire.put("file", file.wire());
        if (name != null) {
            wire.put("name", name);
        }
        if (weight != null) {
            wire.put("weight", weight);
        }
        if (numSamples != null) {
            wire.put("num_samples", numSamples);
        }
        if (maxSamples != null) {
            wire.put("max_samples", maxSamples);
        }
        wire.putAll(reading.wire());
        return wire;
    }
}
