package dev.tunesmith.kernels.cpu;

/// Attention by its definition in fp64: every score, every probability, no tiles.
///
/// q is (N, heads, width), k and v are (N, keyHeads, width).
///
/// @param slope head h loses (h + 1) · slope for each step between query and key
record AttentionTwin(
        int[] cu,
        int heads,
        int keyHeads,
        int width,
        double scale,
        double softcap,
        long window,
        double slope) {
    AttentionTwin(
            int[] cu,
            int heads,
            int keyHeads,
            int width,
            double scale,
            double softcap,
            long window) {
        this(cu, heads, keyHeads, width, scale, softcap, window, 0);
    }

    /// The slopes of all heads, or nothing.
    double[] slopes() {
        double[] slopes = new double[slope == 0 ? 0 : heads];
        for (int h = 0; h < slopes.length; h++) {
            slopes[h] = (h + 1) * slope;
        }
        return slopes;
    }

    int tokens() {
        return cu[cu.length - 1];
    }

    double[] output(double[] q, double[] k, double[] v) {
        double[] o = new double[q.length];
        forEachRow((head, token, first, last) -> {
            double[] p = probabilities(q, k, head, token, first, last);
            for (int key = first; key <= last; key++) {
                for (int c = 0; c < width; c++) {
                    o[at(token, head) + c] += p[key - first] * v[keyAt(key, head) + c];
                }
            }
        });
        return o;
    }

    /// Gradients of q, k, v for the gradient g of the output.
    double[][] gradients(double[] q, double[] k, double[] v, double[] g) {
        double[] dq = new double[q.length];
        double[] dk = new double[k.length];
        double[] dv = new double[v.length];
        forEachRow((head, token, first, last) -> {
            double[] p = probabilities(q, k, head, token, first, last);
            double[] dp = new double[p.length];
            double mean = 0;
            for (int key = first; key <= last; key++) {
                for (int c = 0; c < width; c++) {
                    double gradient = g[at(token, head) + c];
                    dp[key - first] += gradient * v[keyAt(key, head) + c];
                    dv[keyAt(key, head) + c] += p[key - first] * gradient;
                }
                mean += p[key - first] * dp[key - first];
            }
            for (int key = first; key <= last; key++) {
                double ratio = softcap > 0 ? capped(q, k, head, token, key) / softcap : 0;
                double ds = p[key - first] * (dp[key - first] - mean) * scale * (1 - ratio * ratio);
                for (int c = 0; c < width; c++) {
                    dq[at(token, head) + c] += ds * k[keyAt(key, head) + c];
                    dk[keyAt(key, head) + c] += ds * q[at(token, head) + c];
                }
            }
        });
        return new double[][] {dq, dk, dv};
    }

    double[] lse(double[] q, double[] k) {
        double[] lse = new double[heads * tokens()];
        forEachRow((head, token, first, last) -> {
            double sum = 0;
            for (int key = first; key <= last; key++) {
                sum += Math.exp(score(q, k, head, token, key));
            }
            lse[head * tokens() + token] = Math.log(sum);
        });
        return lse;
    }

    private double[] probabilities(
            double[] q, double[] k, int head, int token, int first, int last) {
        double[] p = new double[last - first + 1];
        double sum = 0;
        for (int key = first; key <= last; key++) {
            p[key - first] = Math.exp(score(q, k, head, token, key));
            sum += p[key - first];
        }
        for (int i = 0; i < p.length; i++) {
            p[i] /= sum;
        }
        return p;
    }

    private double score(double[] q, double[] k, int head, int token, int key) {
        return capped(q, k, head, token, key) - (head + 1) * slope * (token - key);
    }

    private double capped(double[] q, double[] k, int head, int token, int key) {
        double dot = 0;
        for (int c = 0; c < width; c++) {
            dot += q[at(token, head) + c] * k[keyAt(key, head) + c];
        }
        return softcap > 0 ? softcap * Math.tanh(dot * scale / softcap) : dot * scale;
    }

    private int at(int token, int head) {
        return (token * heads + head) * width;
    }

    private int keyAt(int token, int head) {
        return (token * keyHeads + head / (heads / keyHeads)) * width;
    }

    private void forEachRow(Row row) {
        for (int d = 0; d + 1 < cu.length; d++) {
            for (int token = cu[d]; token < cu[d + 1]; token++) {
                int first = window < 0 ? cu[d] : (int) Math.max(cu[d], token - window);
                int last = window == Attention.BOTH_WAYS ? cu[d + 1] - 1 : token;
                for (int head = 0; head < heads; head++) {
                    row.visit(head, token, first, last);
                }
            }
        }
    }

    private interface Row {
        void visit(int head, int token, int first, int last);
    }
}
