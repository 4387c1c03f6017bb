package dev.tunesmith.contracts.event;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.contracts.id.TenantId;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The `MANIFEST.json` that is written last below a prefix and makes its objects count.
///
/// @param tenant null for base models of the platform
/// @param attempt null where no attempt wrote it (imported models, data sets)
/// @param step optimizer step; 0 where there is none
/// @param inputs hashes of what it was made from by name: `spec`, `training`, `base` …
/// @param environment library versions, device and CPU level by name; equal environments resume
///   bit-exactly
/// @param previousSha256 hash of the manifest before it in the chain of checkpoints
public record Manifest(
        int formatVersion,
        Kind kind,
        @Nullable TenantId tenant,
        @Nullable Attempt attempt,
        long step,
        List<Entry> objects,
        Map<String, String> inputs,
        Map<String, String> environment,
        @Nullable String previousSha256) {
    /// The version that this code writes.
    public static final int VERSION = 1;

    /// The name under which a manifest is stored below its prefix.
    public static final String FILE_NAME = "MANIFEST.json";

    public Manifest {
        objects = List.copyOf(objects);
        inputs = java.util.Collections.unmodifiableMap(new java.util.TreeMap<>(inputs));
        environment = java.util.Collections.unmodifiableMap(new java.util.TreeMap<>(environment));
    }

    /// The manifest of a model that no attempt wrote.
    ///
    /// @param tenant null for a base model of the platform
    public static Manifest ofModel(@Nullable TenantId tenant, List<Entry> objects) {
        return new Manifest(
                VERSION, Kind.MODEL, tenant, null, 0, objects, Map.of(), Map.of(), null);
    }

    public Optional<Entry> find(String name) {
        return objects.stream().filter(entry -> entry.name().equals(name)).findFirst();
    }

    /// Sum of the objects' lengths.
    public long bytes() {
        return objects.stream().mapToLong(Entry::bytes).sum();
    }

    /// One object below the prefix.
    ///
    /// @param name path relative to the manifest, `adapter_model.safetensors`
    /// @param key full key in the bucket
    /// @param sha256 64 lower-case hexadecimal digits
    public record Entry(String name, String key, long bytes, String sha256) {}

    /// What a manifest describes.
    public enum Kind {
        CHECKPOINT,
        RESULT,
        DATASET,
        MODEL;

        @JsonCreator
        public static Kind of(String wire) {
            return valueOf(wire.toUpperCase(Locale.ROOT));
        }

        @JsonValue
        public String wire() {
            return name().toLowerCase(Locale.ROOT);
        }
    }
}
