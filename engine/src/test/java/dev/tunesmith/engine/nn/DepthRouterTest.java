package dev.tunesmith.engine.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.engine.nn.AttentionShape.Bias;
import dev.tunesmith.engine.nn.AttentionShape.QueryKeyNorm;
import dev.tunesmith.engine.nn.depth.DepthLoss;
import dev.tunesmith.engine.nn.depth.DepthPlan;
import dev.tunesmith.engine.nn.depth.DepthRouter;
import dev.tunesmith.engine.nn.depth.Depths;
import dev.tunesmith.engine.nn.position.RopeScaling;
import dev.tunesmith.engine.nn.position.Rotary;
import dev.tunesmith.engine.nn.position.RotaryTable;
import dev.tunesmith.engine.ops.DocumentAttention;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.DoubleSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// A block that few tokens pass, beside the same in plain fp64 loops.
class DepthRouterTest {

    private static final RoutedBlockTwin.Shape SHAPE =
            new RoutedBlockTwin.Shape(10, 4, 2, 6, 9, 4, 100);
    private static final int[] TEXTS = {0, 7, 8, 20};
    private static final double CAPACITY = 0.3;
    private static final double TOLERANCE = 2e-5;

    private final StepArena arena = StepArena.unlimited();
    private final Region region = Region.lasting("routed block");
    private final SplittableRandom random = new SplittableRandom(31);
    private final Map<String, Parameter> weights = new LinkedHashMap<>();
    private final Block block = block();
    private final DepthLoss loss = new DepthLoss();
    private final Tensor x_ND = tensor(TEXTS[TEXTS.length - 1], SHAPE.width());

    @AfterEach
    void close() {
        region.close();
        arena.close();
    }

    private Tensor tensor(long... shape) {
        Tensor tensor = region.tensor(DType.F32, shape);
        float[] values = new float[(int) tensor.elements()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (random.nextDouble() - 0.5);
        }
        tensor.set(values);
        return tensor;
    }

    private Parameter parameter(String name, long... shape) {
        Parameter parameter = new Parameter(name, tensor(shape));
        parameter.train(region);
        weights.put(name, parameter);
        return parameter;
    }

    private Linear linear(String name, int outputs, int inputs) {
        return new Linear(name, new Weight.Dense(parameter(name, outputs, inputs)), null);
    }

    private Block block() {
        int query = SHAPE.heads() * SHAPE.headWidth();
        int key = SHAPE.kvHeads() * SHAPE.headWidth();
        int width = SHAPE.width();
        var attention =
                new Attention(
                        new AttentionShape(
                                SHAPE.heads(),
                                SHAPE.kvHeads(),
                                SHAPE.headWidth(),
                                0.4,
                                0,
                                QueryKeyNorm.NONE,
                                Bias.NONE),
                        new Attention.Projections(
                                Branches.of(
                                        linear("q", query, width),
                                        linear("k", key, width),
                                        linear("v", key, width)),
                                linear("o", width, query),
                                null,
                                null),
                        new Attention.Place(0, 0, 0, null));
        var mlp =
                new GatedMlp(
                        linear("gate", SHAPE.mlpWidth(), width),
                        linear("up", SHAPE.mlpWidth(), width),
                        linear("down", width, SHAPE.mlpWidth()),
                        Activation.SILU);
        Parameter _ = parameter("router", 1, width);
        var norms =
                new Block.Norms(
                        new RmsNorm(parameter("attention", width), 1e-3, 0),
                        null,
                        new RmsNorm(parameter("mlp", width), 1e-3, 0),
                        null);
        return new Block(norms, attention, mlp, false, 1);
    }

    private Depths depths(double capacity) {
        var router =
                new DepthRouter(
                        0,
                        Objects.requireNonNull(weights.get("router")),
                        new DepthPlan(1, capacity),
                        loss);
        return new Depths(List.of(router), loss);
    }

    private Context texts(int... ends) {
        int[] positions = new int[ends[ends.length - 1]];
        int longest = 0;
        for (int d = 0; d + 1 < ends.length; d++) {
            longest = Math.max(longest, ends[d + 1] - ends[d]);
            for (int n = ends[d]; n < ends[d + 1]; n++) {
                positions[n] = n - ends[d];
            }
        }
        var rotary = new Rotary(SHAPE.rotary(), SHAPE.theta(), new RopeScaling.Plain());
        return new Context.Whole(
                new DocumentAttention.Documents(region.ints(ends), longest),
                List.of(new RotaryTable(rotary).angles(positions, positions, region)));
    }

    private Tensor forward(Tape tape, Tensor x, Depths depths, Context context) {
        return tape.block(
                x, true, (inner, in) -> depths.forward(0, inner, in, context, block::forward));
    }

    private float[] recorded(Tensor x, double capacity, int... ends) {
        try (Region step = arena.open("forward")) {
            Tape tape = Tape.recording(arena, step, 1);
            return forward(tape, x, depths(capacity), texts(ends)).toFloats();
        }
    }

    private RoutedBlockTwin twin() {
        var values = new LinkedHashMap<String, double[]>();
        weights.forEach(
                (name, parameter) -> values.put(name, doubles(parameter.value().toFloats())));
        return new RoutedBlockTwin(values, SHAPE, CAPACITY, true);
    }

    private static double[] doubles(float[] values) {
        double[] doubles = new double[values.length];
        Arrays.setAll(doubles, i -> values[i]);
        return doubles;
    }

    private static double[][] rows(double[] values) {
        double[][] rows = new double[values.length / SHAPE.width()][];
        Arrays.setAll(
                rows, n -> Arrays.copyOfRange(values, n * SHAPE.width(), (n + 1) * SHAPE.width()));
        return rows;
    }

    private static double distance(float[] ours, double[][] theirs) {
        double most = 0;
        for (int i = 0; i < ours.length; i++) {
            double other = theirs[i / SHAPE.width()][i % SHAPE.width()];
            most = Math.max(most, Math.abs(ours[i] - other));
        }
        return most;
    }

    @Test
    void computesWhatPlainLoopsCompute() {
        double[][] expected = twin().forward(rows(doubles(x_ND.toFloats())), TEXTS, false);
        assertThat(distance(recorded(x_ND, CAPACITY, TEXTS), expected)).isLessThan(TOLERANCE);
    }

    @Test
    void judgesTokensAloneWhereNothingIsRecorded() {
        double[][] expected = twin().forward(rows(doubles(x_ND.toFloats())), TEXTS, true);
        try (Region step = arena.open("forward")) {
            Tape tape = Tape.silent(arena, step);
            float[] found = forward(tape, x_ND, depths(CAPACITY), texts(TEXTS)).toFloats();
            assertThat(distance(found, expected)).isLessThan(TOLERANCE);
        }
    }

    /// Faults that the comparison must tell.
    @Test
    void wrongSharesAndFactorsShow() {
        double[][] x = rows(doubles(x_ND.toFloats()));
        float[] ours = recorded(x_ND, CAPACITY, TEXTS);
        RoutedBlockTwin twin = twin();
        var wider = new RoutedBlockTwin(twin.weights(), SHAPE, 2 * CAPACITY, true);
        assertThat(distance(ours, wider.forward(x, TEXTS, false))).isGreaterThan(100 * TOLERANCE);
        assertThat(distance(ours, twin.forward(x, new int[] {0, 20}, false)))
                .isGreaterThan(100 * TOLERANCE);
        assertThat(distance(ours, twin.forward(x, TEXTS, true))).isGreaterThan(100 * TOLERANCE);
        var unweighed = new RoutedBlockTwin(twin.weights(), SHAPE, CAPACITY, false);
        assertThat(distance(ours, unweighed.forward(x, TEXTS, false)))
                .isGreaterThan(100 * TOLERANCE);
    }

    /// Differences of the twin in fp64 against what the tape gives.
    @Test
    void gradientsAreThoseOfThePlainLoops() {
        float[] factors = tensor(x_ND.rows(), x_ND.width()).toFloats();
        float[] input;
        try (Region step = arena.open("backward")) {
            Tape tape = Tape.recording(arena, step, 1);
            tape.track(x_ND);
            Tensor out = forward(tape, x_ND, depths(CAPACITY), texts(TEXTS));
            tape.backward(out, step.floats(factors, out.shape()));
            input = Objects.requireNonNull(tape.gradientOf(x_ND)).toFloats();
        }
        double[] x = doubles(x_ND.toFloats());
        RoutedBlockTwin twin = twin();
        compare("input", x, input, () -> value(twin, x, factors));
        weights.forEach((name, parameter) ->
                compare(
                        name,
                        Objects.requireNonNull(twin.weights().get(name)),
                        parameter.gradient().toFloats(),
                        () -> value(twin, x, factors)));
    }

    private static double value(RoutedBlockTwin twin, double[] x, float[] factors) {
        double[][] out = twin.forward(rows(x), TEXTS, false);
        double sum = 0;
        for (int i = 0; i < factors.length; i++) {
            sum += out[i / SHAPE.width()][i % SHAPE.width()] * factors[i];
        }
        return sum;
    }

    private static void compare(
            String name, double[] values, float[] gradient, DoubleSupplier function) {
        double step = 1e-6;
        for (int at = 0; at < values.length; at++) {
            double kept = values[at];
            values[at] = kept + step;
            double above = function.getAsDouble();
            values[at] = kept - step;
            double below = function.getAsDouble();
            values[at] = kept;
            assertThat((double) gradient[at])
                    .as("gradient of %s at %d", name, at)
                    .isCloseTo((above - below) / (2 * step), within(1e-4));
        }
    }

    @Test
    void textsSideBySideAreTextsAlone() {
        float[] together = recorded(x_ND, CAPACITY, TEXTS);
        for (int d = 0; d + 1 < TEXTS.length; d++) {
            Tensor own = x_ND.rowRange(TEXTS[d], TEXTS[d + 1]);
            float[] alone = recorded(own, CAPACITY, 0, TEXTS[d + 1] - TEXTS[d]);
            int from = TEXTS[d] * SHAPE.width();
            assertThat(alone)
                    .containsExactly(
                            Arrays.copyOfRange(together, from, from + alone.length), within(1e-6f));
        }
    }

    @ParameterizedTest
    @CsvSource({"0.125, 1, 1", "0.125, 8, 1", "0.125, 9, 2", "0.3, 12, 4", "1, 12, 12"})
    void aShareOfTheTokensPassesAndOneAtLeast(double capacity, int tokens, int passing) {
        assertThat(new DepthPlan(2, capacity).passing(tokens)).isEqualTo(passing);
    }

    @Test
    void theLastOfSomeLayersHasARouter() {
        assertThat(IntStream.range(0, 7).filter(new DepthPlan(3, 0.5)::routes))
                .containsExactly(2, 5);
    }

    /// The gradient of the binary cross-entropy, of the router alone and spread over all tokens of
    /// a step.
    @Test
    void routersLearnToTellTheChosenAlone() {
        Parameter router = Objects.requireNonNull(weights.get("router"));
        float[] without = routerGradient(0);
        float[] with = routerGradient(0.5);
        double[][] x = rows(doubles(x_ND.toFloats()));
        double[] w = doubles(router.value().toFloats());
        float[] out = recorded(x_ND, CAPACITY, TEXTS);
        double[] expected = new double[w.length];
        double entropies = 0;
        for (int n = 0; n < x.length; n++) {
            double score = 0;
            boolean passes = false;
            for (int i = 0; i < w.length; i++) {
                score += w[i] * x[n][i];
                passes |= out[n * w.length + i] != (float) x[n][i];
            }
            double likely = 1 / (1 + Math.exp(-score));
            entropies -= Math.log(passes ? likely : 1 - likely);
            for (int i = 0; i < w.length; i++) {
                expected[i] += 0.5 / 40 * (likely - (passes ? 1 : 0)) * x[n][i];
            }
        }
        for (int i = 0; i < w.length; i++) {
            assertThat((double) with[i] - without[i]).isCloseTo(expected[i], within(1e-6));
        }
        assertThat(loss.figures().loss()).isCloseTo(entropies / x.length, within(1e-9));
    }

    /// Of a step with 40 tokens, half of which are here.
    private float[] routerGradient(double weight) {
        Parameter router = Objects.requireNonNull(weights.get("router"));
        router.clearGradient();
        Depths depths = depths(CAPACITY);
        depths.loss().weigh(weight);
        depths.begin(40);
        try (Region step = arena.open("backward")) {
            Tape tape = Tape.recording(arena, step, 1);
            tape.track(x_ND);
            Tensor out = forward(tape, x_ND, depths, texts(TEXTS));
            tape.backward(out, step.floats(new float[(int) out.elements()], out.shape()));
        }
        return router.gradient().toFloats();
    }
}
