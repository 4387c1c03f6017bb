package dev.tunesmith.trainer.tracker;

import dev.tunesmith.contracts.event.Control;
import dev.tunesmith.contracts.job.JobSpec.Integration;
import dev.tunesmith.trainer.tracker.TrackedRun.End;
import dev.tunesmith.trainer.tracker.TrackedRun.Kept;
import dev.tunesmith.trainer.tracker.TrackedRun.Line;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// All trackers of one attempt. Nothing here waits for a tracker or fails because of one, except
/// the end, which gives them a moment to take what is left.
public final class Trackers implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Trackers.class);

    private static final long KEPT_MAX = 16 << 20;

    private final List<TrackerFeed> feeds;
    private End end = End.FAILED;

    private Trackers(List<TrackerFeed> feeds) {
        this.feeds = feeds;
    }

    /// Starts a feed for each tracker that the job names and this host knows.
    public static Trackers start(Control.Work work, TrackerSettings settings) {
        var feeds = new ArrayList<TrackerFeed>();
        for (Integration integration : work.integrations()) {
            TrackerSettings.Place place = settings.places().get(integration.type());
            if (place == null) {
                LOG.warn(
                        "the job names the tracker {}, of which this host has no address: set tunesmith.tracker.{}.url and .key",
                        integration.type().wire(),
                        integration.type().wire());
            } else {
                var run = new TrackedRun(work.job().wire(), integration, work.spec().flat());
                feeds.add(TrackerFeed.start(client(integration, place), run));
            }
        }
        return new Trackers(feeds);
    }

    private static TrackerClient client(Integration integration, TrackerSettings.Place place) {
        var http = new TrackerHttp(place.url());
        return switch (integration.type()) {
            case MLFLOW -> new MlflowClient(http, place.key());
            case WANDB -> new WandbClient(http, place.key());
            case SWANLAB -> new SwanlabClient(http, place.key());
        };
    }

    /// Figures of one step; what is no finite number is left out.
    public void add(long step, Map<String, Double> values) {
        var finite = new java.util.TreeMap<String, Double>();
        values.forEach((name, value) -> {
            if (Double.isFinite(value)) {
                finite.put(name, value);
            }
        });
        var line = new Line(step, System.currentTimeMillis(), finite);
        feeds.forEach(feed -> feed.add(line));
    }

    /// Offers the small files of a result, those that people look at; weights stay where they are.
    public void keep(Path result, List<String> names) throws IOException {
        for (String name : names) {
            Path file = result.resolve(name);
            if (!feeds.isEmpty() && Files.isRegularFile(file) && Files.size(file) <= KEPT_MAX) {
                var kept = new Kept(name, Files.readAllBytes(file));
                feeds.forEach(feed -> feed.keep(kept));
            }
        }
    }

    /// The run is done; without this word it counts as failed when it closes.
    public void finished() {
        end = End.FINISHED;
    }

    /// The run is stopped and may go on later.
    public void stopped() {
        end = End.STOPPED;
    }

    @Override
    public void close() {
        feeds.forEach(feed -> feed.end(end));
        feeds.forEach(TrackerFeed::awaitEnd);
    }
}
