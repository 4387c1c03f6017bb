package dev.tunesmith.engine.nn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.engine.nn.AttentionShape.Bias;
import dev.tunesmith.engine.nn.AttentionShape.QueryKeyNorm;
import dev.tunesmith.engine.nn.change.Cayley;
import dev.tunesmith.engine.nn.change.Change;
import dev.tunesmith.engine.nn.change.InputMap;
import dev.tunesmith.engine.nn.change.LowRank;
import dev.tunesmith.engine.nn.change.OutputScale;
import dev.tunesmith.engine.nn.change.Rotation;
import dev.tunesmith.engine.nn.position.RopeScaling;
import dev.tunesmith.engine.nn.position.Rotary;
import dev.tunesmith.engine.nn.position.RotaryTable;
import dev.tunesmith.engine.ops.DocumentAttention;
import dev.tunesmith.engine.ops.FourBitMatrix;
import dev.tunesmith.engine.ops.GroupedMatrix;
import dev.tunesmith.engine.quant.FourBitFormat;
import dev.tunesmith.engine.quant.FourBitKind;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class LayerGradientTest {

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 13})
    void linearWithBias(int rows) {
        try (NumericGradient numeric = new NumericGradient(rows)) {
            Linear linear = numeric.linear("layer", 7, 5, true);
            numeric.check(numeric.tensor(0, rows, 5), linear::forward);
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.3})
    void linearWithALowRankAddition(double dropout) {
        try (NumericGradient numeric = new NumericGradient(3)) {
            Linear linear = numeric.linear("layer", 6, 9, false);
            linear.attach(
                    new LowRank(
                            numeric.parameter("a", 0, 2, 9),
                            numeric.parameter("b", 0, 6, 2),
                            numeric.parameter("bias", 0, 6),
                            1.5,
                            dropout));
            numeric.check(numeric.tensor(0, 11, 9), linear::forward);
        }
    }

    /// Codes are frozen: gradients go to the input and to the adapter. Few rows and many take
    /// different ways, and 9 columns let rows begin inside a byte and a block.
    @ParameterizedTest
    @ValueSource(ints = {1, 8, 23})
    void fourBitLinearWithALowRankAddition(int rows) {
        try (NumericGradient numeric = new NumericGradient(rows)) {
            Linear linear =
                    new Linear("layer", fourBit(numeric, 17, 9), numeric.parameter("bias", 0, 17));
            linear.attach(
                    new LowRank(
                            numeric.parameter("a", 0, 2, 9),
                            numeric.parameter("b", 0, 17, 2),
                            null,
                            1.5,
                            0));
            numeric.check(numeric.tensor(0, rows, 9), linear::forward);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void lowRankAdditionWithVectors(boolean frozenFactors) {
        try (NumericGradient numeric = new NumericGradient(21)) {
            Linear linear = numeric.linear("layer", 6, 9, true);
            linear.attach(
                    new LowRank(
                            factor(numeric, frozenFactors, 2, 9),
                            factor(numeric, frozenFactors, 6, 2),
                            null,
                            numeric.parameter("inner", 1, 2, 1),
                            numeric.parameter("outer", 1, 6),
                            0.7,
                            0));
            numeric.check(numeric.tensor(0, 11, 9), linear::forward);
        }
    }

    private static Parameter factor(
            NumericGradient numeric, boolean frozen, int rows, int columns) {
        return frozen
                ? new Parameter("frozen", numeric.tensor(0, rows, columns))
                : numeric.parameter("factor" + rows, 0, rows, columns);
    }

    @ParameterizedTest
    @EnumSource(OutputScale.Place.class)
    void linearWithAScaledOutput(OutputScale.Place place) {
        try (NumericGradient numeric = new NumericGradient(22)) {
            Linear linear = numeric.linear("layer", 7, 5, true);
            linear.attach(Change.of(new OutputScale(numeric.parameter("s", 1, 7, 1), place, null)));
            numeric.check(numeric.tensor(0, 13, 5), linear::forward);
        }
    }

    @Test
    void linearWithAScaledInput() {
        try (NumericGradient numeric = new NumericGradient(23)) {
            Linear linear = numeric.linear("layer", 7, 5, true);
            linear.attach(Change.of(new InputMap.Scale(numeric.parameter("s", 1, 1, 5))));
            numeric.check(numeric.tensor(0, 3, 5), linear::forward);
        }
    }

    /// Two terms and less make no use of powers; three are four.
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 5, 8})
    void linearWithAnInputRotatedInBlocks(int terms) {
        try (NumericGradient numeric = new NumericGradient(24)) {
            Cayley cayley = terms == 0 ? new Cayley.Exact() : new Cayley.Series(terms);
            Linear linear = numeric.linear("layer", 7, 9, false);
            linear.attach(
                    Change.of(
                            new Rotation(
                                    numeric.parameter("angles", 0, 3, 3),
                                    new Rotation.Triangles(3, 3, 0),
                                    cayley)));
            numeric.check(numeric.tensor(0, 5, 9), linear::forward);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void linearWithAnInputRotatedByOneSharedBlock(boolean exact) {
        try (NumericGradient numeric = new NumericGradient(25)) {
            Linear linear = numeric.linear("layer", 5, 8, true);
            linear.attach(
                    Change.of(
                            new Rotation(
                                    numeric.parameter("angles", 0, 1, 6),
                                    new Rotation.Triangles(4, 1, 0),
                                    exact ? new Cayley.Exact() : new Cayley.Series(5))));
            numeric.check(numeric.tensor(0, 3, 8), linear::forward);
        }
    }

    @Test
    void linearWithAnInputRotatedSeveralTimes() {
        try (NumericGradient numeric = new NumericGradient(26)) {
            int[][] columns = {{0, 1, 2, 3, 4, 5, 6, 7}, {0, 2, 4, 6, 1, 3, 5, 7}};
            Linear linear = numeric.linear("layer", 5, 8, true);
            linear.attach(
                    new Change(
                            new Rotation(
                                    numeric.parameter("angles", 0, 2, 2, 4, 4),
                                    new Rotation.Butterflies(4, 2, columns),
                                    new Cayley.Exact()),
                            null,
                            new OutputScale(
                                    numeric.parameter("s", 1, 5, 1),
                                    OutputScale.Place.BEFORE_BIAS,
                                    null)));
            numeric.check(numeric.tensor(0, 3, 8), linear::forward);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 8, 23})
    void linearOfGroupedCodes(int rows) {
        try (NumericGradient numeric = new NumericGradient(rows)) {
            Linear linear =
                    new Linear("layer", grouped(numeric, 17, 9), numeric.parameter("bias", 0, 17));
            numeric.check(numeric.tensor(0, rows, 9), linear::forward);
        }
    }

    private static Weight grouped(NumericGradient numeric, int outputs, int inputs) {
        Tensor codes = numeric.region().tensor(DType.U8, outputs, inputs);
        for (int i = 0; i < outputs * inputs; i++) {
            codes.segment().set(ValueLayout.JAVA_BYTE, i, (byte) (i * 37));
        }
        int[] columns = new int[inputs];
        int[] rows = new int[outputs];
        java.util.Arrays.setAll(columns, i -> i % 2);
        java.util.Arrays.setAll(rows, i -> i);
        return new Weight.Coded(
                GroupedMatrix.of(
                        inputs,
                        codes,
                        numeric.tensor(0, 256),
                        new GroupedMatrix.Groups(
                                numeric.region().ints(rows),
                                numeric.region().ints(columns),
                                numeric.tensor(0.5f, outputs, 2),
                                java.util.Optional.of(numeric.tensor(0, outputs, 2))),
                        numeric.region()));
    }

    private static Weight fourBit(NumericGradient numeric, int outputs, int inputs) {
        var format = new FourBitFormat(FourBitKind.NF4, 32, true);
        Tensor values = numeric.tensor(0, outputs, inputs);
        return new Weight.Coded(
                new FourBitMatrix(
                        outputs,
                        inputs,
                        format.quantise(values, numeric.region()),
                        numeric.region()));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void norm(int gainOffset) {
        try (NumericGradient numeric = new NumericGradient(5)) {
            RmsNorm norm = new RmsNorm(numeric.parameter("gain", 1, 13), 1e-3, gainOffset);
            numeric.check(numeric.tensor(0, 7, 13), norm::forward);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 9})
    void layerNorm(int rows) {
        try (NumericGradient numeric = new NumericGradient(6)) {
            LayerNorm norm =
                    new LayerNorm(
                            numeric.parameter("gain", 1, 13),
                            numeric.parameter("bias", 0, 13),
                            1e-3);
            numeric.check(numeric.tensor(0, rows, 13), norm::forward);
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 3", "6, 9"})
    void attentionThroughLatentRows(int queryRank, int valueWidth) {
        try (NumericGradient numeric = new NumericGradient(37)) {
            var latent = new AttentionShape.Latent(queryRank, 7, 3, 4, valueWidth);
            int headWidth = Math.max(7, valueWidth);
            AttentionShape shape =
                    new AttentionShape(
                            2, 2, headWidth, 0.4, 0, QueryKeyNorm.NONE, Bias.NONE, latent);
            boolean narrow = queryRank > 0;
            Branches branches =
                    new LatentBranches(
                            narrow ? numeric.linear("qa", queryRank, 10, false) : null,
                            narrow
                                    ? new RmsNorm(numeric.parameter("qn", 1, queryRank), 1e-3, 0)
                                    : null,
                            numeric.linear("qb", 14, narrow ? queryRank : 10, false),
                            numeric.linear("ka", 11, 10, false),
                            new RmsNorm(numeric.parameter("kn", 1, 7), 1e-3, 0),
                            numeric.linear("kb", 2 * (3 + valueWidth), 7, false),
                            shape);
            Attention attention =
                    new Attention(
                            shape,
                            new Attention.Projections(
                                    branches,
                                    numeric.linear("o", 10, 2 * valueWidth, false),
                                    null,
                                    null),
                            new Attention.Place(0, 0, 0, null));
            Context context = documents(numeric.region(), 0, 4, 9);
            numeric.check(
                    numeric.tensor(0, 9, 10), (tape, x) -> attention.forward(tape, x, context));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void normsOfHeads(boolean oneMatrix) {
        try (NumericGradient numeric = new NumericGradient(31)) {
            List<Parameter> gains =
                    oneMatrix
                            ? List.of(numeric.parameter("gains", 1, 2, 7))
                            : List.of(
                                    numeric.parameter("gain0", 1, 7),
                                    numeric.parameter("gain1", 1, 7));
            numeric.check(numeric.tensor(0, 5, 14), new HeadNorms(gains, 2, 1e-3)::forward);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 13})
    void linearStoredTheOtherWayRound(int rows) {
        try (NumericGradient numeric = new NumericGradient(4)) {
            Linear linear =
                    new Linear(
                            "layer",
                            new Weight.Transposed(numeric.parameter("w", 0, 5, 7)),
                            numeric.parameter("bias", 0, 7));
            numeric.check(numeric.tensor(0, rows, 5), linear::forward);
        }
    }

    @Test
    void nonLinearityThatLearns() {
        try (NumericGradient numeric = new NumericGradient(8)) {
            PlainMlp mlp =
                    new PlainMlp(
                            numeric.linear("up", 11, 5, true),
                            numeric.linear("down", 5, 11, true),
                            Activation.XIELU,
                            new PlainMlp.Learned(
                                    numeric.parameter("above", 0, 1),
                                    numeric.parameter("below", 0, 1),
                                    0.5,
                                    -1e-6));
            numeric.check(numeric.tensor(0, 9, 5), mlp::forward);
        }
    }

    @Test
    void branchesWithLimits() {
        try (NumericGradient numeric = new NumericGradient(8)) {
            GatedMlp mlp =
                    new GatedMlp(
                            Branches.of(numeric.linear("gate_up", 22, 5, true)),
                            numeric.linear("down", 5, 11, true),
                            Activation.SILU,
                            new GatedMlp.Clamp(0.8, 1.702));
            numeric.check(numeric.tensor(0, 9, 5), mlp::forward);
        }
    }

    /// In whole documents, or half of the heads in shifted groups.
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void attentionWithSinks(boolean grouped) {
        try (NumericGradient numeric = new NumericGradient(16)) {
            Attention plain = attention(numeric, QueryKeyNorm.NONE, 3, 0);
            Attention attention =
                    new Attention(
                            plain.shape(),
                            plain.projections(),
                            new Attention.Place(0, 3, 0, null, numeric.parameter("sinks", 0, 4)));
            int[] ends = {0, 3, 13};
            Context.Whole whole = (Context.Whole) documents(numeric.region(), ends);
            Context context = grouped ? whole.with(Groups.of(ends, 4, numeric.region())) : whole;
            numeric.check(
                    numeric.tensor(0, 13, 10), (tape, x) -> attention.forward(tape, x, context));
        }
    }

    @ParameterizedTest
    @EnumSource(value = Activation.class, mode = EnumSource.Mode.EXCLUDE, names = "XIELU")
    void plainMlp(Activation activation) {
        try (NumericGradient numeric = new NumericGradient(8)) {
            PlainMlp mlp =
                    new PlainMlp(
                            numeric.linear("up", 11, 5, true),
                            numeric.linear("down", 5, 11, true),
                            activation);
            numeric.check(numeric.tensor(0, 9, 5), mlp::forward);
        }
    }

    @Test
    void branchesThatShareOneMatrix() {
        try (NumericGradient numeric = new NumericGradient(9)) {
            GatedMlp mlp =
                    new GatedMlp(
                            Branches.Fused.sideBySide(
                                    numeric.linear("gate_up", 22, 5, false), List.of(11, 11)),
                            numeric.linear("down", 5, 11, false),
                            Activation.SILU);
            numeric.check(numeric.tensor(0, 9, 5), mlp::forward);
        }
    }

    static List<MixtureMlp.Scoring> scorings() {
        return List.of(
                MixtureMlp.Scoring.softmax(3, false),
                MixtureMlp.Scoring.softmax(3, true),
                new MixtureMlp.Scoring(3, true, 1.7, MixtureMlp.Groups.NONE, true));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void mixtureWithASharedMlp(boolean gated) {
        try (NumericGradient numeric = new NumericGradient(29)) {
            MixtureMlp mixture =
                    new MixtureMlp(
                            numeric.linear("router", 1, 5, false),
                            List.of(gatedMlp(numeric, "expert")),
                            new MixtureMlp.Choice(
                                    0, MixtureMlp.Scoring.softmax(1, false), new Routing(1), null));
            SharedMlp mlp =
                    new SharedMlp(
                            mixture,
                            gatedMlp(numeric, "shared"),
                            gated ? numeric.linear("weight", 1, 5, false) : null);
            numeric.check(numeric.tensor(0, 6, 5), mlp::forward);
        }
    }

    private static GatedMlp gatedMlp(NumericGradient numeric, String name) {
        return new GatedMlp(
                numeric.linear(name + " gate", 7, 5, false),
                numeric.linear(name + " up", 7, 5, false),
                numeric.linear(name + " down", 5, 7, false),
                Activation.SILU);
    }

    /// All experts are chosen: which ones are is no smooth function.
    @ParameterizedTest
    @MethodSource("scorings")
    void mixtureOfExperts(MixtureMlp.Scoring scoring) {
        try (NumericGradient numeric = new NumericGradient(10)) {
            List<GatedMlp> experts = new ArrayList<>();
            for (int e = 0; e < 3; e++) {
                experts.add(
                        new GatedMlp(
                                numeric.linear("gate" + e, 7, 5, false),
                                numeric.linear("up" + e, 7, 5, false),
                                numeric.linear("down" + e, 5, 7, false),
                                Activation.SILU));
            }
            MixtureMlp mlp =
                    new MixtureMlp(
                            numeric.linear("router", 3, 5, false),
                            experts,
                            new MixtureMlp.Choice(0, scoring, new Routing(3), null));
            numeric.check(numeric.tensor(0, 6, 5), mlp::forward);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Activation.class,
            mode = EnumSource.Mode.EXCLUDE,
            names = {"RELU_SQUARED", "XIELU"})
    void gatedMlp(Activation activation) {
        try (NumericGradient numeric = new NumericGradient(7)) {
            GatedMlp mlp =
                    new GatedMlp(
                            numeric.linear("gate", 11, 5, false),
                            numeric.linear("up", 11, 5, true),
                            numeric.linear("down", 5, 11, false),
                            activation);
            numeric.check(numeric.tensor(0, 9, 5), mlp::forward);
        }
    }

    @ParameterizedTest
    @EnumSource(QueryKeyNorm.class)
    void attentionOverSeveralDocuments(QueryKeyNorm norm) {
        try (NumericGradient numeric = new NumericGradient(11)) {
            Attention attention = attention(numeric, norm, 0, 0);
            Context context = documents(numeric.region(), 0, 1, 6, 13);
            numeric.check(
                    numeric.tensor(0, 13, 10), (tape, x) -> attention.forward(tape, x, context));
        }
    }

    /// Half of the heads sees groups of four tokens, the other half those two tokens further.
    @Test
    void attentionInShiftedGroups() {
        try (NumericGradient numeric = new NumericGradient(12)) {
            Attention attention = attention(numeric, QueryKeyNorm.NONE, 0, 0);
            int[] ends = {0, 3, 13};
            Context.Whole whole = (Context.Whole) documents(numeric.region(), ends);
            Context context = whole.with(Groups.of(ends, 4, numeric.region()));
            numeric.check(
                    numeric.tensor(0, 13, 10), (tape, x) -> attention.forward(tape, x, context));
        }
    }

    @Test
    void groupsBeginAgainInEveryDocument() {
        try (NumericGradient numeric = new NumericGradient(14)) {
            Groups groups = Groups.of(new int[] {0, 3, 13}, 4, numeric.region());
            assertThat(groups.plain().cuSeqlens_D1().toFloats()).containsExactly(0, 3, 7, 11, 13);
            assertThat(groups.shifted().cuSeqlens_D1().toFloats()).containsExactly(0, 3, 5, 9, 13);
            assertThat(groups.shifted().longest()).isEqualTo(4);
        }
    }

    @Test
    void attentionWithAWindowAndACap() {
        try (NumericGradient numeric = new NumericGradient(13)) {
            Attention attention = attention(numeric, QueryKeyNorm.NONE, 3, 0.7);
            Context context = documents(numeric.region(), 0, 9);
            numeric.check(
                    numeric.tensor(0, 9, 10), (tape, x) -> attention.forward(tape, x, context));
        }
    }

    @ParameterizedTest
    @CsvSource({"false, false", "true, false", "false, true", "true, true"})
    void blockKeepingOrComputingAgain(boolean recompute, boolean parallel) {
        try (NumericGradient numeric = new NumericGradient(17)) {
            RmsNorm before = new RmsNorm(numeric.parameter("before", 1, 10), 1e-3, 0);
            RmsNorm after = new RmsNorm(numeric.parameter("after", 1, 10), 1e-3, 0);
            GatedMlp mlp =
                    new GatedMlp(
                            numeric.linear("gate", 8, 10, false),
                            numeric.linear("up", 8, 10, false),
                            numeric.linear("down", 10, 8, false),
                            Activation.SILU);
            Block block =
                    new Block(
                            new Block.Norms(before, null, null, after),
                            attention(numeric, QueryKeyNorm.NONE, 0, 0),
                            mlp,
                            parallel,
                            0.6);
            Context context = documents(numeric.region(), 0, 4, 7);
            numeric.check(
                    numeric.tensor(0, 7, 10),
                    (tape, x) ->
                            tape.block(x, recompute, (t, in) -> block.forward(t, in, context)));
        }
    }

    /// Two branches read x after another branch was made, so gradients are shared in an order that
    /// a careless in-place sum would destroy.
    @Test
    void sharedGradientsAreNotOverwritten() {
        try (NumericGradient numeric = new NumericGradient(19)) {
            Linear first = numeric.linear("first", 6, 6, false);
            Linear second = numeric.linear("second", 6, 6, false);
            RmsNorm norm = new RmsNorm(numeric.parameter("gain", 1, 6), 1e-3, 0);
            numeric.check(
                    numeric.tensor(0, 5, 6),
                    (tape, x) -> {
                        Tensor a = first.forward(tape, x);
                        Tensor m = second.forward(tape, norm.forward(tape, x));
                        return sum(tape, sum(tape, x, m), a);
                    });
        }
    }

    private static Tensor sum(Tape tape, Tensor a, Tensor b) {
        Tensor out = tape.tensor(DType.F32, a.shape());
        dev.tunesmith.engine.ops.Elementwise.add(out, a, b);
        tape.record(out, gradient -> tape.shareGradient(gradient, a, b));
        return out;
    }

    @Test
    void lossOfTheHead() {
        try (NumericGradient numeric = new NumericGradient(23);
                StepArena arena = StepArena.unlimited()) {
            Parameter weight = numeric.parameter("head", 0, 17, 6);
            Head head = new Head(weight, numeric.parameter("bias", 0, 17), 0.8, 3);
            Tensor hidden = numeric.tensor(0, 9, 6);
            int[] labels = {3, -100, 16, 0, 5, -100, -100, 2, 9};
            float[] weights = {1, 0, 0.5f, 1, 2, 0, 0, 1, 1};
            Head.Targets targets = new Head.Targets(labels, weights, -100);

            float[] gradient = gradient(arena, head, hidden, targets);
            float[] values = hidden.toFloats();
            for (int at : List.of(0, 7, 14, 26, 45)) {
                float kept = values[at];
                values[at] = kept + 1e-2f;
                hidden.set(values);
                double above = loss(arena, head, hidden, targets);
                values[at] = kept - 1e-2f;
                hidden.set(values);
                double below = loss(arena, head, hidden, targets);
                values[at] = kept;
                hidden.set(values);
                assertThat((above - below) / 2e-2 / 4)
                        .isCloseTo(gradient[at], org.assertj.core.data.Offset.offset(1e-3));
            }
            assertThat(Arrays.copyOfRange(gradient, 6, 12)).containsOnly(0);
            assertThat(weight.gradient().toFloats()).isNotEqualTo(new float[17 * 6]);
        }
    }

    private static double loss(StepArena arena, Head head, Tensor hidden, Head.Targets targets) {
        try (Region step = arena.open("loss")) {
            return head.loss(Tape.silent(arena, step), hidden, targets, 1).weighted();
        }
    }

    private static float[] gradient(
            StepArena arena, Head head, Tensor hidden, Head.Targets targets) {
        try (Region step = arena.open("loss")) {
            Tape tape = Tape.recording(arena, step, 0);
            tape.track(hidden);
            assertThat(head.loss(tape, hidden, targets, 0.25).losses_M()).hasSize(6);
            return Objects.requireNonNull(tape.gradientOf(hidden)).toFloats();
        }
    }

    private static Attention attention(
            NumericGradient numeric, QueryKeyNorm norm, int window, double cap) {
        AttentionShape shape = new AttentionShape(4, 2, 6, 0.4, cap, norm, Bias.QKV);
        boolean whole = norm == QueryKeyNorm.WHOLE;
        boolean normed = norm != QueryKeyNorm.NONE;
        return new Attention(
                shape,
                new Attention.Projections(
                        Branches.of(
                                numeric.linear("q", 24, 10, true),
                                numeric.linear("k", 12, 10, true),
                                numeric.linear("v", 12, 10, true)),
                        numeric.linear("o", 10, 24, false),
                        normed
                                ? new RmsNorm(numeric.parameter("qn", 1, whole ? 24 : 6), 1e-3, 0)
                                : null,
                        normed
                                ? new RmsNorm(numeric.parameter("kn", 1, whole ? 12 : 6), 1e-3, 0)
                                : null),
                new Attention.Place(0, window, 0, null));
    }

    private static Context documents(Region region, int... cuSeqlens) {
        int tokens = cuSeqlens[cuSeqlens.length - 1];
        int[] positions = new int[tokens];
        int longest = 0;
        for (int d = 0; d + 1 < cuSeqlens.length; d++) {
            longest = Math.max(longest, cuSeqlens[d + 1] - cuSeqlens[d]);
            for (int n = cuSeqlens[d]; n < cuSeqlens[d + 1]; n++) {
                positions[n] = n - cuSeqlens[d];
            }
        }
        Rotary rotary = new Rotary(4, 100, new RopeScaling.Plain());
        return new Context.Whole(
                new DocumentAttention.Documents(region.ints(cuSeqlens), longest),
                List.of(new RotaryTable(rotary).angles(positions, positions, region)));
    }
}
