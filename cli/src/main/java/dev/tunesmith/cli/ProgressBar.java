package dev.tunesmith.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tunesmith.contracts.event.Telemetry;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;

/// One line on stderr that shows where a job stands. On a terminal it is redrawn in place,
/// elsewhere a line is printed when something changed and at most every few seconds.
final class ProgressBar {
    private static final int WIDTH = 24;
    private static final Duration PLAIN_EVERY = Duration.ofSeconds(5);

    private final PrintStream err;
    private final boolean terminal;
    private String shown = "";
    private long plainAt;

    ProgressBar(PrintStream err, boolean terminal) {
        this.err = err;
        this.terminal = terminal;
    }

    /// Shows the state of a job object; the numbers are those of the newest metrics event.
    void show(String phase, JsonNode metrics) {
        draw(line(phase, metrics), false);
    }

    /// Prints a message above the bar.
    void message(String text) {
        if (terminal && !shown.isEmpty()) {
            err.print("\r\u001b[K");
        }
        err.println(text);
        if (terminal) {
            err.print(shown);
            err.flush();
        }
    }

    void end() {
        if (terminal && !shown.isEmpty()) {
            err.println();
        }
        shown = "";
    }

    static String line(String phase, JsonNode metrics) {
        long step = metrics.path("step").asLong(0);
        long total = metrics.path("total_steps").asLong(0);
        if (total == 0) {
            return phase;
        }
        int filled = Math.toIntExact(Math.min(WIDTH, WIDTH * step / total));
        var line =
                new StringBuilder(
                        "%-12s [%s%s] %d/%d"
                                .formatted(
                                        phase,
                                        "█".repeat(filled),
                                        "·".repeat(WIDTH - filled),
                                        step,
                                        total));
        append(line, metrics, "train_loss", "  loss %.4f");
        append(line, metrics, "tokens_per_s", "  %.0f tok/s");
        if (metrics.hasNonNull(Telemetry.SECONDS_LEFT) && step < total) {
            long left = metrics.path(Telemetry.SECONDS_LEFT).asLong();
            line.append("  ").append(duration(left)).append(" left");
        }
        return line.toString();
    }

    private static void append(StringBuilder line, JsonNode metrics, String key, String format) {
        if (metrics.hasNonNull(key)) {
            line.append(String.format(Locale.ROOT, format, metrics.path(key).asDouble()));
        }
    }

    static String duration(long seconds) {
        if (seconds < 60) {
            return seconds + " s";
        }
        if (seconds < 3600) {
            return "%d min %02d s".formatted(seconds / 60, seconds % 60);
        }
        return "%d h %02d min".formatted(seconds / 3600, seconds / 60 % 60);
    }

    private void draw(String line, boolean force) {
        if (line.equals(shown)) {
            return;
        }
        if (terminal) {
            err.print("\r\u001b[K" + line);
            err.flush();
        } else if (force || System.nanoTime() - plainAt > PLAIN_EVERY.toNanos()) {
            plainAt = System.nanoTime();
            err.println(line);
        }
        shown = line;
    }
}
