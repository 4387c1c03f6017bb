package dev.tunesmith.engine.decode;

import java.util.List;

/// Watches an answer for stop strings. Text that could still become one is held back, so the stop
/// string itself is never given out, however the tokens cut it.
public final class StopText {
    private final List<String> stops;
    private final StringBuilder held = new StringBuilder();
    private boolean stopped;

    public StopText(List<String> stops) {
        this.stops = stops.stream().filter(stop -> !stop.isEmpty()).toList();
    }

    /// Takes more text and gives out what certainly belongs to the answer.
    public String accept(String text) {
        if (stopped) {
            return "";
        }
        held.append(text);
        int found = earliest();
        if (found >= 0) {
            stopped = true;
            return take(found);
        }
        return take(held.length() - livePrefix());
    }

    /// The rest at the end of the answer.
    public String end() {
        return stopped ? "" : take(held.length());
    }

    /// True when a stop string was met: nothing more is given out.
    public boolean isStopped() {
        return stopped;
    }

    private int earliest() {
        int best = -1;
        for (String stop : stops) {
            int at = held.indexOf(stop);
            if (at >= 0 && (best < 0 || at < best)) {
                best = at;
            }
        }
        return best;
    }

    /// Length of the longest end of the held text with which a stop string begins.
    private int livePrefix() {
        int longest = 0;
        for (String stop : stops) {
            for (int n = Math.min(stop.length() - 1, held.length()); n > longest; n--) {
                if (held.lastIndexOf(stop.substring(0, n)) == held.length() - n) {
                    longest = n;
                }
            }
        }
        return longest;
    }

    private String take(int length) {
        String text = held.substring(0, length);
        held.delete(0, length);
        return text;
    }
}
