package dev.tunesmith.engine.ops;

import static dev.tunesmith.engine.ops.Autograd.assertSame;
import static dev.tunesmith.engine.ops.Autograd.backward;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.cpu.GatedMlp.Activation;
import dev.tunesmith.kernels.cpu.Rotary.Pairing;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Values and gradients of every operation against libtorch's automatic differentiation, at random
/// sizes, odd ones and single rows among them.
class AutogradTest {

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void rmsNorm(long seed) {
        try (Autograd auto = new Autograd(seed)) {
            int offset = auto.size(0, 1);
            Tensor x_NC = auto.values(0, auto.size(1, 40), auto.size(1, 130));
            Tensor gain_C = auto.values(1, x_NC.width());
            Tensor dy_NC = auto.values(0, x_NC.shape());
            Tensor y_NC = auto.empty(x_NC);
            Tensor r_N = auto.region().tensor(DType.F32, x_NC.rows());
            Tensor dx_NC = auto.empty(x_NC);
            Tensor dGain_C = auto.region().zeros(DType.F32, x_NC.width());
            Norms.rms(y_NC, r_N, x_NC, gain_C, 1e-5, offset);
            Norms.rmsBackward(
                    dx_NC,
                    dGain_C,
                    dy_NC,
                    new Norms.Saved(x_NC, r_N, gain_C),
                    offset,
                    auto.region());

            Node x = auto.leaf(x_NC);
            Node gain = auto.leaf(gain_C);
            Node y = x.rmsNorm(gain.plus(offset), 1e-5);
            backward(y, dy_NC);
            assertSame("y", y_NC, y);
            assertSame("dx", dx_NC, x.gradient());
            assertSame("dGain", dGain_C, gain.gradient());
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void layerNorm(long seed) {
        try (Autograd auto = new Autograd(seed)) {
            Tensor x_NC = auto.values(0.3, auto.size(1, 40), auto.size(3, 130));
            Tensor gain_C = auto.values(1, x_NC.width());
            Tensor bias_C = auto.values(0, x_NC.width());
            Tensor dy_NC = auto.values(0, x_NC.shape());
            Tensor y_NC = auto.empty(x_NC);
            Tensor dx_NC = auto.empty(x_NC);
            Tensor dGain_C = auto.region().zeros(DType.F32, x_NC.width());
            Tensor dBias_C = auto.region().zeros(DType.F32, x_NC.width());
            var saved =
                    new LayerNorms.Saved(
                            x_NC,
                            auto.region().tensor(DType.F32, x_NC.rows()),
                            auto.region().tensor(DType.F32, x_NC.rows()),
                            gain_C);
            LayerNorms.forward(y_NC, saved, bias_C, 1e-5);
            LayerNorms.backward(
                    new LayerNorms.Gradients(dx_NC, dGain_C, dBias_C), dy_NC, saved, auto.region());

            Node x = auto.leaf(x_NC);
            Node gain = auto.leaf(gain_C);
            Node bias = auto.leaf(bias_C);
            Node y = x.layerNorm(gain, bias, 1e-5);
            backward(y, dy_NC);
            assertSame("y", y_NC, y);
            assertSame("dx", dx_NC, x.gradient());
            assertSame("dGain", dGain_C, gain.gradient());
            assertSame("dBias", dBias_C, bias.gradient());
        }
    }

    private static Node activated(Activation activation, Node x) {
        return switch (activation) {
            case SILU -> x.silu();
            case GELU -> x.gelu("none");
            case GELU_TANH -> x.gelu("tanh");
        };
    }

    @ParameterizedTest
    @EnumSource(Activation.class)
    void gate(Activation activation) {
        for (long seed = 1; seed <= 4; seed++) {
            try (Autograd auto = new Autograd(seed)) {
                Tensor gate_NF = auto.values(0, auto.size(1, 33), auto.size(1, 70));
                Tensor up_NF = auto.values(0, gate_NF.shape());
                Tensor dh_NF = auto.values(0, gate_NF.shape());
                Tensor h_NF = auto.empty(gate_NF);
                Tensor dGate_NF = auto.empty(gate_NF);
                Tensor dUp_NF = auto.empty(gate_NF);
                new Gate(activation).forward(h_NF, gate_NF, up_NF);
                new Gate(activation).backward(dGate_NF, dUp_NF, dh_NF, gate_NF, up_NF);

                Node gate = auto.leaf(gate_NF);
                Node up = auto.leaf(up_NF);
                Node h = activated(activation, gate).times(up);
                backward(h, dh_NF);
                assertSame("h", h_NF, h);
                assertSame("dGate", dGate_NF, gate.gradient());
                assertSame("dUp", dUp_NF, up.gradient());
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Activation.class)
    void activationAlone(Activation activation) {
        for (long seed = 1; seed <= 4; seed++) {
            try (Autograd auto = new Autograd(seed)) {
                Tensor x_NF = auto.values(0, auto.size(1, 33), auto.size(1, 70));
                Tensor dh_NF = auto.values(0, x_NF.shape());
                Tensor h_NF = auto.empty(x_NF);
                Tensor dx_NF = auto.empty(x_NF);
                new Gate(activation).activate(h_NF, x_NF, auto.region());
                new Gate(activation).activateBackward(dx_NF, dh_NF, x_NF, auto.region());

                Node x = auto.leaf(x_NF);
                Node h = activated(activation, x);
                backward(h, dh_NF);
                assertSame("h", h_NF, h);
                assertSame("dx", dx_NF, x.gradient());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void product(long seed) {
        try (Autograd auto = new Autograd(seed)) {
            // Few rows and many take different ways.
            Tensor x_NI = auto.values(0, auto.size(1, 90), auto.size(1, 90));
            Tensor w_OI = auto.values(0, auto.size(1, 70), x_NI.width());
            Tensor dy_NO = auto.values(0, x_NI.rows(), w_OI.rows());
            Tensor y_NO = auto.empty(dy_NO);
            Tensor dx_NI = auto.empty(x_NI);
            Tensor dw_OI = auto.empty(w_OI);
            Products.linear(y_NO, x_NI, w_OI);
            Products.linearInput(dx_NI, dy_NO, w_OI, 0, 1);
            Products.linearWeight(dw_OI, dy_NO, x_NI, 0, 1);

            Node x = auto.leaf(x_NI);
            Node w = auto.leaf(w_OI);
            Node y = x.timesTransposed(w);
            backward(y, dy_NO);
            assertSame("y", y_NO, y);
            assertSame("dx", dx_NI, x.gradient());
            assertSame("dw", dw_OI, w.gradient());
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void lookupAndBias(long seed) {
        try (Autograd auto = new Autograd(seed)) {
            Tensor table_VD = auto.values(0, auto.size(1, 30), auto.size(1, 40));
            int[] rows = auto.indices(auto.size(1, 50), (int) table_VD.rows());
            Tensor rows_N = auto.region().ints(rows);
            Tensor bias_D = auto.values(0, table_VD.width());
            Tensor dy_ND = auto.values(0, rows.length, table_VD.width());
            Tensor y_ND = auto.empty(dy_ND);
            Tensor dTable_VD = auto.region().zeros(DType.F32, table_VD.shape());
            Tensor dBias_D = auto.region().zeros(DType.F32, table_VD.width());
            Lookup.gather(y_ND, table_VD, rows_N);
            Elementwise.addBias(y_ND, bias_D);
            Lookup.gatherBackward(dTable_VD, dy_ND, rows_N);
            Elementwise.biasGradient(dBias_D, dy_ND, auto.region());

            Node table = auto.leaf(table_VD);
            Node bias = auto.leaf(bias_D);
            Node y = table.rows(Autograd.integers(rows)).plus(bias);
            backward(y, dy_ND);
            assertSame("y", y_ND, y);
            assertSame("dTable", dTable_VD, table.gradient());
            assertSame("dBias", dBias_D, bias.gradient());
        }
    }

    @ParameterizedTest
    @EnumSource(Pairing.class)
    void rotation(Pairing pairing) {
        for (long seed = 1; seed <= 4; seed++) {
            try (Autograd auto = new Autograd(seed)) {
                int heads = auto.size(1, 3);
                int turned = 2 * auto.size(1, 5);
                int width = turned + auto.size(0, 4);
                Tensor q_NC = auto.values(0, auto.size(1, 20), (long) heads * width);
                Tensor k_NC = auto.values(0, q_NC.rows(), width);
                Tensor angles_P = auto.values(0, 7, turned / 2);
                int[] rows = auto.indices((int) q_NC.rows(), 7);
                Tensor dq_NC = auto.values(0, q_NC.shape());
                Tensor dk_NC = auto.values(0, k_NC.shape());

                Node q = auto.leaf(q_NC);
                Node k = auto.leaf(k_NC);
                Node angles = Autograd.constant(angles_P).rows(Autograd.integers(rows));
                Node turnedQ = turned(q, heads, width, angles, pairing);
                Node turnedK = turned(k, 1, width, angles, pairing);
                backward(turnedQ, dq_NC);
                backward(turnedK, dk_NC);

                var ours =
                        new Rotation.Angles(
                                of(auto, angles_P, Math::cos),
                                of(auto, angles_P, Math::sin),
                                auto.region().ints(rows),
                                pairing);
                Rotation.rotate(q_NC, k_NC, width, ours);
                Rotation.rotateBack(dq_NC, dk_NC, width, ours);
                assertSame("q", q_NC, turnedQ);
                assertSame("k", k_NC, turnedK);
                assertSame("dq", dq_NC, q.gradient());
                assertSame("dk", dk_NC, k.gradient());
            }
        }
    }

    private static Tensor of(
            Autograd auto, Tensor x, java.util.function.DoubleUnaryOperator function) {
        float[] values = x.toFloats();
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) function.applyAsDouble(values[i]);
        }
        return auto.region().floats(values, x.shape());
    }

    /// Each pair of each head as a complex number times that of its angle.
    private static Node turned(Node x_NC, int heads, int width, Node angles_NW, Pairing pairing) {
        int pairs = (int) angles_NW.tensor().size(1);
        List<Node> columns = new ArrayList<>();
        for (int c = 0; c < heads * width; c++) {
            int head = c / width;
            int i = c % width;
            Node column = x_NC.columns(c, 1);
            if (i >= 2 * pairs) {
                columns.add(column);
                continue;
            }
            boolean first = pairing == Pairing.HALVES ? i < pairs : i % 2 == 0;
            int pair = pairing == Pairing.HALVES ? i % pairs : i / 2;
            int other =
                    switch (pairing) {
                        case HALVES -> first ? i + pairs : i - pairs;
                        case NEIGHBOURS -> first ? i + 1 : i - 1;
                    };
            Node angle = angles_NW.columns(pair, 1);
            Node partner = x_NC.columns((long) head * width + other, 1).times(angle.sin());
            Node kept = column.times(angle.cos());
            columns.add(first ? kept.minus(partner) : kept.plus(partner));
        }
        return Node.joined(1, columns);
    }

    /// Sizes and options of one attention.
    private record Shape(int heads, int kvHeads, int width, int[] cu, int window) {
        static Shape random(Autograd auto) {
            int kvHeads = auto.size(1, 2);
            int[] cu = new int[auto.size(2, 4)];
            for (int d = 1; d < cu.length; d++) {
                cu[d] = cu[d - 1] + auto.size(1, 37);
            }
            int window = auto.coin() ? 0 : auto.size(-1, 9);
            return new Shape(kvHeads * auto.size(1, 3), kvHeads, 2 * auto.size(1, 20), cu, window);
        }

        int tokens() {
            return cu[cu.length - 1];
        }

        int longest() {
            int longest = 0;
            for (int d = 0; d + 1 < cu.length; d++) {
                longest = Math.max(longest, cu[d + 1] - cu[d]);
            }
            return longest;
        }

        boolean sees(int query, int key) {
            if (window == DocumentAttention.BOTH_WAYS) {
                return true;
            }
            return key <= query && (window == 0 || query - key < window);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
    void attention(long seed) {
        try (Autograd auto = new Autograd(seed)) {
            Shape shape = Shape.random(auto);
            double cap = auto.coin() ? 0 : 1.3;
            boolean leans = shape.window != DocumentAttention.BOTH_WAYS && auto.coin();
            Tensor slopes_H = leans ? auto.values(2, shape.heads) : null;
            Tensor q_NC = auto.values(0, shape.tokens(), (long) shape.heads * shape.width);
            Tensor k_NC = auto.values(0, shape.tokens(), (long) shape.kvHeads * shape.width);
            Tensor v_NC = auto.values(0, k_NC.shape());
            Tensor dOut_NC = auto.values(0, q_NC.shape());
            DocumentAttention operation =
                    new DocumentAttention(
                            shape.heads,
                            shape.kvHeads,
                            shape.width,
                            0.31,
                            cap,
                            shape.window,
                            slopes_H);
            var documents =
                    new DocumentAttention.Documents(auto.region().ints(shape.cu), shape.longest());
            var saved =
                    new DocumentAttention.Saved(
                            q_NC,
                            k_NC,
                            v_NC,
                            auto.empty(q_NC),
                            operation.denominators(auto.region(), shape.tokens()));
            var gradients =
                    new DocumentAttention.Gradients(
                            auto.empty(q_NC), auto.empty(k_NC), auto.empty(v_NC));
            operation.forward(saved, documents, auto.region());
            operation.backward(gradients, dOut_NC, saved, documents, auto.region());

            Node q = auto.leaf(q_NC);
            Node k = auto.leaf(k_NC);
            Node v = auto.leaf(v_NC);
            Node out = attended(shape, operation, q, k, v);
            backward(out, dOut_NC);
            assertSame("out", saved.out_NC(), out);
            assertSame("dq", gradients.dq_NC(), q.gradient());
            assertSame("dk", gradients.dk_NC(), k.gradient());
            assertSame("dv", gradients.dv_NC(), v.gradient());
        }
    }

    private static Node attended(
            Shape shape, DocumentAttention options, Node q_NC, Node k_NC, Node v_NC) {
        List<Node> rows = new ArrayList<>();
        for (int d = 0; d + 1 < shape.cu.length; d++) {
            int from = shape.cu[d];
            int length = shape.cu[d + 1] - from;
            List<Node> heads = new ArrayList<>();
            for (int h = 0; h < shape.heads; h++) {
                int kv = h / (shape.heads / shape.kvHeads);
                Node q = part(q_NC, from, length, h, shape.width);
                Node k = part(k_NC, from, length, kv, shape.width);
                Node v = part(v_NC, from, length, kv, shape.width);
                Node scores =
                        q.timesTransposed(k).times(options.scale()).softCapped(options.softCap());
                heads.add(
                        scores.plus(leaning(shape, options, h, length)).softmaxOfRows().matmul(v));
            }
            rows.add(Node.joined(1, heads));
        }
        return Node.joined(0, rows);
    }

    private static Node part(Node x_NC, int from, int length, int head, int width) {
        return x_NC.rows(from, length).columns((long) head * width, width);
    }

    /// What is added to scores: −∞ for a key that is not seen, and what distance costs.
    private static Node leaning(Shape shape, DocumentAttention options, int head, int length) {
        Tensor slopes_H = options.slopes_H();
        double slope = slopes_H == null ? 0 : slopes_H.toFloats()[head];
        double[] added = new double[length * length];
        for (int i = 0; i < length; i++) {
            for (int j = 0; j < length; j++) {
                added[i * length + j] =
                        shape.sees(i, j) ? -slope * (i - j) : Double.NEGATIVE_INFINITY;
            }
        }
        return Autograd.constant(added, length, length);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void crossEntropy(long seed) {
        try (Autograd auto = new Autograd(seed)) {
            Tensor hidden_MD = auto.values(0, auto.size(1, 70), auto.size(1, 30));
            Tensor head_VD = auto.values(0, auto.size(2, 90), hidden_MD.width());
            Tensor bias_V = auto.coin() ? auto.values(0, head_VD.rows()) : null;
            double cap = auto.coin() ? 0 : 2.5;
            double smoothing = auto.coin() ? 0 : 0.1;
            int[] labels = auto.indices((int) hidden_MD.rows(), (int) head_VD.rows());
            Tensor weights_M = auto.values(1.6, labels.length);
            Tensor dHidden_MD = auto.empty(hidden_MD);
            Tensor dHead_VD = auto.region().zeros(DType.F32, head_VD.shape());
            Tensor dBias_V = auto.region().zeros(DType.F32, head_VD.rows());
            CrossEntropy.Rows rows =
                    new CrossEntropy.Rows(
                            auto.region().ints(labels),
                            weights_M,
                            auto.region().tensor(DType.F32, labels.length),
                            auto.region().tensor(DType.I32, labels.length));
            new CrossEntropy(0.7, cap, bias_V, smoothing)
                    .forwardBackward(
                            hidden_MD,
                            head_VD,
                            rows,
                            new CrossEntropy.Gradients(
                                    dHidden_MD, dHead_VD, bias_V == null ? null : dBias_V, 0.25),
                            auto.region());

            Node hidden = auto.leaf(hidden_MD);
            Node head = auto.leaf(head_VD);
            Node bias = auto.leaf(bias_V == null ? dBias_V : bias_V);
            Node logits = hidden.timesTransposed(head).plus(bias).times(0.7).softCapped(cap);
            Node logs = logits.logSoftmaxOfRows();
            Node labelled = logs.pick(Autograd.integers(labels));
            Node smooth = logs.meanOfRows().times(smoothing);
            Node losses = labelled.times(1 - smoothing).plus(smooth).times(-1);
            losses.times(Autograd.constant(weights_M)).sum().times(0.25).backward();
            assertSame("losses", rows.losses_M(), losses);
            assertSame("dHidden", dHidden_MD, hidden.gradient());
            assertSame("dHead", dHead_VD, head.gradient());
            if (bias_V != null) {
                assertSame("dBias", dBias_V, bias.gradient());
            }
        }
    }

    /// The comparison itself: a value that is off by one part in a thousand is found.
    @Test
    void aWrongGradientIsFound() {
        try (Autograd auto = new Autograd(1)) {
            Tensor x = auto.values(0, 5, 3);
            float[] values = x.toFloats();
            float[] wrong = Arrays.copyOf(values, values.length);
            wrong[7] *= 1.001f;
            double[] exact = auto.leaf(x).values();
            assertSame("x", values, exact);
            assertThatThrownBy(() -> assertSame("x", wrong, exact))
                    .isInstanceOf(AssertionError.class)
                    .hasMessageContaining("x at 7");
        }
    }
}
