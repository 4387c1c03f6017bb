package dev.tunesmith.engine.nn;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;

/// A routed Llama block in plain fp64 loops: attention and MLP behind RMS norms, among the tokens
/// of a text with the largest scores.
///
/// @param weights by name, row after row
/// @param weighed whether scores are factors of what the block adds
record RoutedBlockTwin(
        Map<String, double[]> weights, Shape shape, double capacity, boolean weighed) {

    /// @param width of the residual stream
    /// @param rotary dimensions of a head that turn
    record Shape(
            int width,
            int heads,
            int kvHeads,
            int headWidth,
            int mlpWidth,
            int rotary,
            double theta) {}

    private static final double EPS = 1e-3;
    private static final double SCALE = 0.4;

    /// @param x rows of all texts
    /// @param ends first token of every text, and the end of the last
    /// @param alone whether tokens pass whose score is above 0
    double[][] forward(double[][] x, int[] ends, boolean alone) {
        double[][] out = new double[x.length][];
        double[] router = weight("router");
        for (int d = 0; d + 1 < ends.length; d++) {
            int from = ends[d];
            List<Integer> passing = new ArrayList<>();
            IntStream.range(from, ends[d + 1]).forEach(passing::add);
            if (alone) {
                passing.removeIf(n -> dot(router, 0, x[n]) <= 0);
            } else {
                passing.sort(Comparator.comparingDouble(n -> -dot(router, 0, x[n])));
                int count = (int) Math.max(1, Math.ceil(capacity * (ends[d + 1] - from)));
                passing = new ArrayList<>(passing.subList(0, count));
                passing.sort(Comparator.naturalOrder());
            }
            List<Integer> places = passing.stream().map(n -> n - from).toList();
            double[][] through =
                    block(passing.stream().map(n -> x[n]).toArray(double[][]::new), places);
            for (int n = from; n < ends[d + 1]; n++) {
                out[n] = x[n].clone();
            }
            for (int m = 0; m < passing.size(); m++) {
                int n = passing.get(m);
                double r = weighed ? dot(router, 0, x[n]) : 1;
                for (int i = 0; i < out[n].length; i++) {
                    out[n][i] += r * (through[m][i] - x[n][i]);
                }
            }
        }
        return out;
    }

    private double[][] block(double[][] x, List<Integer> places) {
        double[][] y = new double[x.length][];
        double[][] normed = normed(x, "attention");
        double[][] q = turned(product(normed, "q"), places, shape.heads);
        double[][] k = turned(product(normed, "k"), places, shape.kvHeads);
        double[][] v = product(normed, "v");
        double[][] attended = new double[x.length][shape.heads * shape.headWidth];
        for (int m = 0; m < x.length; m++) {
            for (int h = 0; h < shape.heads; h++) {
                attend(attended[m], q[m], k, v, m, h);
            }
        }
        double[][] o = product(attended, "o");
        for (int m = 0; m < x.length; m++) {
            y[m] = sum(x[m], o[m]);
        }
        double[][] in = normed(y, "mlp");
        double[][] gate = product(in, "gate");
        double[][] up = product(in, "up");
        for (int m = 0; m < x.length; m++) {
            for (int i = 0; i < shape.mlpWidth; i++) {
                gate[m][i] = gate[m][i] / (1 + Math.exp(-gate[m][i])) * up[m][i];
            }
        }
        double[][] down = product(gate, "down");
        for (int m = 0; m < x.length; m++) {
            y[m] = sum(y[m], down[m]);
        }
        return y;
    }

    private void attend(double[] out, double[] q, double[][] k, double[][] v, int m, int head) {
        int from = head * shape.headWidth;
        int key = head / (shape.heads / shape.kvHeads) * shape.headWidth;
        double[] share = new double[m + 1];
        double total = 0;
        for (int before = 0; before <= m; before++) {
            double score = 0;
            for (int i = 0; i < shape.headWidth; i++) {
                score += q[from + i] * k[before][key + i];
            }
            share[before] = Math.exp(score * SCALE);
            total += share[before];
        }
        for (int before = 0; before <= m; before++) {
            for (int i = 0; i < shape.headWidth; i++) {
                out[from + i] += share[before] / total * v[before][key + i];
            }
        }
    }

    private double[][] turned(double[][] rows, List<Integer> places, int heads) {
        int half = shape.rotary / 2;
        for (int m = 0; m < rows.length; m++) {
            for (int h = 0; h < heads; h++) {
                for (int i = 0; i < half; i++) {
                    double angle = places.get(m) / Math.pow(shape.theta, 2.0 * i / shape.rotary);
                    int a = h * shape.headWidth + i;
                    double first = rows[m][a];
                    double second = rows[m][a + half];
                    rows[m][a] = first * Math.cos(angle) - second * Math.sin(angle);
                    rows[m][a + half] = second * Math.cos(angle) + first * Math.sin(angle);
                }
            }
        }
        return rows;
    }

    private double[][] normed(double[][] rows, String name) {
        double[] gain = weight(name);
        double[][] out = new double[rows.length][shape.width];
        for (int m = 0; m < rows.length; m++) {
            double square = 0;
            for (double value : rows[m]) {
                square += value * value;
            }
            double factor = 1 / Math.sqrt(square / shape.width + EPS);
            for (int i = 0; i < shape.width; i++) {
                out[m][i] = rows[m][i] * factor * gain[i];
            }
        }
        return out;
    }

    private double[][] product(double[][] rows, String name) {
        double[] matrix = weight(name);
        double[][] out = new double[rows.length][];
        for (int m = 0; m < rows.length; m++) {
            out[m] = new double[matrix.length / rows[m].length];
            for (int o = 0; o < out[m].length; o++) {
                out[m][o] = dot(matrix, o * rows[m].length, rows[m]);
            }
        }
        return out;
    }

    private double[] weight(String name) {
        return Objects.requireNonNull(weights.get(name), name);
    }

    private static double dot(double[] matrix, int at, double[] x) {
        double sum = 0;
        for (int i = 0; i < x.length; i++) {
            sum += matrix[at + i] * x[i];
        }
        return sum;
    }

    private static double[] sum(double[] a, double[] b) {
        double[] sum = a.clone();
        for (int i = 0; i < sum.length; i++) {
            sum[i] += b[i];
        }
        return sum;
    }
}
