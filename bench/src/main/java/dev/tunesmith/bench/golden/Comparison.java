package dev.tunesmith.bench.golden;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// Collects the comparisons of one case and keeps the worst.
public final class Comparison {

    private final List<String> failures = new ArrayList<>();
    private double worst;
    private String worstAt = "nothing";
    private int compared;

    /// Compares all values of a tensor.
    public void tensor(String what, float[] actual, float[] expected, Tolerance tolerance) {
        tensor(what, actual, expected, tolerance, new boolean[0]);
    }

    /// Compares all values of a tensor but the marked ones.
    public void tensor(
            String what, float[] actual, float[] expected, Tolerance tolerance, boolean[] leftOut) {
        if (actual.length != expected.length) {
            fail("%s has %d values instead of %d".formatted(what, actual.length, expected.length));
            return;
        }
        double largest = 0;
        for (float value : expected) {
            largest = Math.max(largest, Math.abs(value));
        }
        double share = 0;
        int at = 0;
        for (int i = 0; i < actual.length; i++) {
            if (i < leftOut.length && leftOut[i]) {
                continue;
            }
            double here = share(actual[i], expected[i], tolerance.allowed(expected[i], largest));
            if (here > share) {
                share = here;
                at = i;
            }
        }
        note(
                what,
                share,
                "at %d: %s instead of %s".formatted(at, value(actual, at), value(expected, at)));
    }

    private static Object value(float[] values, int at) {
        return at < values.length ? values[at] : "nothing";
    }

    /// Compares one number.
    public void number(String what, double actual, double expected, Tolerance tolerance) {
        double allowed = tolerance.allowed(expected, Math.abs(expected));
        note(
                what,
                share(actual, expected, allowed),
                "%s instead of %s".formatted(actual, expected));
    }

    /// Compares with whatever form of the tensor the file holds.
    public void golden(
            String what, float[] actual, GoldenTensors file, String name, Tolerance tolerance) {
        golden(what, actual, file, name, tolerance, new boolean[0]);
    }

    /// As the other, leaving out the marked values of a full tensor.
    public void golden(
            String what,
            float[] actual,
            GoldenTensors file,
            String name,
            Tolerance tolerance,
            boolean[] leftOut) {
        file.floats(name).ifPresent(expected -> tensor(what, actual, expected, tolerance, leftOut));
        double root = Math.sqrt(actual.length);
        file.number(name + "#norm")
                .ifPresent(norm -> {
                    double sum = 0;
                    for (float value : actual) {
                        sum += (double) value * value;
                    }
                    Tolerance wider =
                            new Tolerance(
                                    tolerance.absolute() * root,
                                    tolerance.relative() + tolerance.ofLargest(),
                                    0);
                    number(what + "#norm", Math.sqrt(sum), norm, wider);
                });
        double largest = largest(actual);
        file.number(name + "#sum")
                .ifPresent(expected -> {
                    double sum = 0;
                    for (float value : actual) {
                        sum += value;
                    }
                    double each = tolerance.absolute() + tolerance.ofLargest() * largest;
                    Tolerance wider =
                            new Tolerance(
                                    each * root + tolerance.relative() * largest * root,
                                    tolerance.relative(),
                                    0);
                    number(what + "#sum", sum, expected, wider);
                });
        file.floats(name + "#slice")
                .ifPresent(expected -> {
                    int step = (actual.length / 200) | 1;
                    float[] slice = new float[(actual.length + step - 1) / step];
                    for (int i = 0; i < slice.length; i++) {
                        slice[i] = actual[i * step];
                    }
                    Tolerance scaled =
                            new Tolerance(
                                    tolerance.absolute() + tolerance.ofLargest() * largest,
                                    tolerance.relative(),
                                    0);
                    tensor(what + "#slice", slice, expected, scaled);
                });
    }

    private static double largest(float[] values) {
        double largest = 0;
        for (float value : values) {
            largest = Math.max(largest, Math.abs(value));
        }
        return largest;
    }

    /// Requires equality.
    public void equal(String what, Object actual, Object expected) {
        note(
                what,
                actual.equals(expected) ? 0 : Double.POSITIVE_INFINITY,
                "%s instead of %s".formatted(actual, expected));
    }

    /// Notes something that is wrong whatever the tolerance.
    public void fail(String text) {
        compared++;
        worst = Double.POSITIVE_INFINITY;
        worstAt = text;
        failures.add(text);
    }

    private void note(String what, double share, String found) {
        compared++;
        if (share > worst) {
            worst = share;
            worstAt = what;
        }
        if (share > 1) {
            failures.add("%s is %s of its tolerance off (%s)".formatted(what, share(share), found));
        }
    }

    private static double share(double actual, double expected, double allowed) {
        double distance = Math.abs(actual - expected);
        if (distance == 0) {
            return 0;
        }
        return Double.isNaN(distance) || allowed == 0
                ? Double.POSITIVE_INFINITY
                : distance / allowed;
    }

    /// Whether anything was compared and all of it is within its tolerance.
    public boolean passed() {
        return compared > 0 && failures.isEmpty();
    }

    /// One line: the worst share and where, or what failed.
    public String summary() {
        if (compared == 0) {
            return "nothing in this case could be compared";
        }
        if (failures.isEmpty()) {
            return "worst %s (%s), %d comparisons".formatted(share(worst), worstAt, compared);
        }
        return "%s; %d of %d comparisons failed"
                .formatted(failures.getFirst(), failures.size(), compared);
    }

    private static String share(double share) {
        return Double.isInfinite(share)
                ? "infinitely far"
                : String.format(Locale.ROOT, share > 100 ? "%.0f×" : "%.3f×", share);
    }
}
