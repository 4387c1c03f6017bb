package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.tunesmith.contracts.method.MethodSettings;
import dev.tunesmith.engine.adapter.Adapter;
import dev.tunesmith.engine.adapter.kind.LoraConfig;
import dev.tunesmith.engine.adapter.site.Targets;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.decode.CacheRoom;
import dev.tunesmith.engine.decode.CausalModel;
import dev.tunesmith.engine.decode.DecoderModel;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.objective.Objective;
import dev.tunesmith.engine.objective.Policy;
import dev.tunesmith.engine.objective.PreferenceObjective;
import dev.tunesmith.engine.objective.TokenObjective;
import dev.tunesmith.engine.optim.Optimizer;
import dev.tunesmith.engine.optim.ParameterGroup;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.MemoryUse;
import dev.tunesmith.engine.tensor.Region;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Once it has run, a step takes no memory that it did not have: no block of the arena, no page of
/// the system, and only a little of the Java heap.
class SteadyStepTest {
    private static final int LAYERS = 2;
    private static final int TOKENS = 96;
    private static final int WARM_UP_STEPS = 12;
    private static final int STEPS = 20;

    /// What the objects of a tape and of its calls may take: 72 KiB a layer and 16 bytes a token.
    private static final long HEAP_BYTES_A_STEP = LAYERS * 73_728 + 16 * TOKENS;

    /// The compiler and the collector of the virtual machine touch some pages of their own.
    private static final double PAGES_A_STEP = 8;

    @TempDir Path folder;

    @ParameterizedTest
    @EnumSource
    void anAdapterStepTakesNoNewMemory(CheckpointPolicy recompute) throws IOException {
        ModelDirectory base = base();
        try (Decoder decoder = Decoder.load(base, DType.BF16, Decoder.Loading.MAPPED);
                Region state = Region.lasting("optimizer")) {
            try (Adapter adapter = adapter(decoder)) {
                adapter.train();
                check(decoder, adapter.parameters(), recompute, state);
            }
        }
    }

    @Test
    void aStepOfFullTuningTakesNoNewMemory() throws IOException {
        try (Decoder decoder = Decoder.load(base(), DType.BF16, Decoder.Loading.WRITABLE);
                Region state = Region.lasting("optimizer")) {
            decoder.trainAll(state);
            check(decoder, decoder.parameters(), CheckpointPolicy.NONE, state);
        }
    }

    @Test
    void aStepOnPairsTakesNoNewMemory() throws IOException {
        try (Decoder decoder = Decoder.load(base(), DType.BF16, Decoder.Loading.MAPPED);
                Region state = Region.lasting("optimizer");
                Adapter adapter = adapter(decoder)) {
            adapter.train();
            Policy policy = new Policy(decoder, CheckpointPolicy.NONE);
            var pairs =
                    new PreferenceObjective(
                            policy,
                            Optional.of(decoder.share()),
                            MethodSettings.Preference.dpo(MethodSettings.Preference.BETA));
            check(pairs, adapter.parameters(), state);
        }
    }

    @Test
    void aStepOfDecodingTakesNoNewMemory() throws IOException {
        try (Decoder decoder = Decoder.load(base(), DType.BF16, Decoder.Loading.RESIDENT);
                CacheRoom room = new CacheRoom(decoder, 256)) {
            CausalModel model = new DecoderModel(decoder, room);
            List<CausalModel.Sequence> open = List.of(model.open(96), model.open(96));
            decode(model, open, WARM_UP_STEPS);
            long held = MemoryUse.bytes();
            long heap = allocated();
            long pages = minorFaults();
            decode(model, open, STEPS);
            Used used = Used.since(heap, pages);
            assertThat(MemoryUse.bytes()).isEqualTo(held);
            used.assertSteady();
            open.forEach(CausalModel.Sequence::close);
        }
    }

    private static void decode(CausalModel model, List<CausalModel.Sequence> open, int steps) {
        for (int step = 0; step < steps; step++) {
            int token = 3 + step;
            model.step(
                    open.stream()
                            .map(sequence ->
                                    new CausalModel.Chunk(
                                            sequence, new int[] {token}, CausalModel.Wanted.LAST))
                            .toList());
        }
    }

    private static Adapter adapter(Decoder decoder) {
        return Adapter.fresh(decoder, LoraConfig.plain("tiny", 4, 8, 0, Targets.allLinear()), 1);
    }

    private ModelDirectory base() throws IOException {
        Path model = TinyModel.create(Files.createDirectory(folder.resolve("model"))).folder();
        return ModelDirectory.open(model.resolve("base"));
    }

    private static void check(
            Decoder decoder, List<Parameter> trained, CheckpointPolicy recompute, Region state)
            throws IOException {
        var objective = new TokenObjective(new Policy(decoder, recompute));
        check(objective, trained, state);
    }

    private static void check(Objective objective, List<Parameter> trained, Region state)
            throws IOException {
        List<ParameterGroup> groups = ParameterGroup.byDecay(trained, 0);
        Optimizer optimizer = Optimizer.usual(groups, state);
        try (Learner learner = new Learner(objective, trained, optimizer, 1)) {
            run(learner, WARM_UP_STEPS);
            long mapped = learner.mappedStepBytes();
            long heap = allocated();
            long pages = minorFaults();
            run(learner, STEPS);
            Used used = Used.since(heap, pages);
            assertThat(learner.mappedStepBytes()).isEqualTo(mapped);
            used.assertSteady();
        }
    }

    /// What all steps took; looked at before an assertion loads classes.
    private record Used(long heapBytes, long pages) {
        static Used since(long heap, long pages) throws IOException {
            return new Used(allocated() - heap, minorFaults() - pages);
        }

        void assertSteady() {
            assertThat(pages / (double) STEPS).as("pages a step").isLessThan(PAGES_A_STEP);
            assertThat(heapBytes / STEPS).as("heap bytes a step").isLessThan(HEAP_BYTES_A_STEP);
        }
    }

    private static void run(Learner learner, int steps) {
        for (int step = 0; step < steps; step++) {
            var occasion = new Objective.Occasion(step, 0, true);
            Objective.Step whole = learner.begin(List.of(batch(step)), occasion);
            learner.accumulate(whole, 0, step);
            learner.update(1e-3);
        }
    }

    private static TokenBatch batch(int seed) {
        int[] ids = new int[TOKENS];
        int[] positions = new int[TOKENS];
        Arrays.setAll(ids, n -> 3 + (n * 31 + seed * 7) % 300);
        Arrays.setAll(positions, n -> n % (TOKENS / 2));
        float[] weights = new float[TOKENS];
        Arrays.fill(weights, 1);
        int[] documents = {0, TOKENS / 2, TOKENS};
        return new TokenBatch(ids, positions, documents, ids.clone(), weights);
    }

    private static long allocated() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        return threads.getCurrentThreadAllocatedBytes();
    }

    /// Faults of this thread alone, from the tenth field of its `stat`.
    private static long minorFaults() throws IOException {
        String stat = Files.readString(Path.of("/proc/thread-self/stat"));
        return Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[7]);
    }
}
