package dev.tunesmith.trainer.tracker;

import dev.tunesmith.contracts.job.JobSpec.Tracker;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/// Where the trackers are: `tunesmith.tracker.<type>.url` and `tunesmith.tracker.<type>.key`.
///
/// @param places only trackers that can be reached
public record TrackerSettings(Map<Tracker, Place> places) {
    /// No tracker.
    public static final TrackerSettings NONE = new TrackerSettings(Map.of());

    private static final Map<Tracker, String> USUAL =
            Map.of(
                    Tracker.WANDB, "https://api.wandb.ai",
                    Tracker.SWANLAB, "https://api.swanlab.cn/api");

    public TrackerSettings {
        places = Map.copyOf(places);
    }

    /// An address and the key to it, which may be empty.
    public record Place(String url, String key) {
        public Place {
            url = url.replaceFirst("/+$", "");
        }

        @Override
        public String toString() {
            return "Place[url=%s, key=***]".formatted(url);
        }
    }

    /// Reads the settings; MLflow needs an address, the others a key.
    public static TrackerSettings read(Function<String, Optional<String>> source) {
        var places = new EnumMap<Tracker, Place>(Tracker.class);
        for (Tracker tracker : Tracker.values()) {
            String prefix = "tunesmith.tracker." + tracker.wire();
            String key = source.apply(prefix + ".key").orElse("");
            Optional<String> url =
                    source.apply(prefix + ".url")
                            .or(() ->
                                    Optional.ofNullable(USUAL.get(tracker))
                                            .filter(_ -> !key.isEmpty()));
            url.ifPresent(found -> places.put(tracker, new Place(found, key)));
        }
        return new TrackerSettings(places);
    }
}
