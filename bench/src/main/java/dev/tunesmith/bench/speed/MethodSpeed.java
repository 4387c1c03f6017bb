package dev.tunesmith.bench.speed;

import dev.tunesmith.bench.PeerPython;
import dev.tunesmith.contracts.grade.Likeness;
import dev.tunesmith.contracts.method.Grader;
import dev.tunesmith.contracts.method.GroupSettings;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodSettings;
import dev.tunesmith.contracts.method.MethodSettings.Ppo;
import dev.tunesmith.contracts.method.Reference;
import dev.tunesmith.engine.adapter.Adapter;
import dev.tunesmith.engine.adapter.kind.LoraConfig;
import dev.tunesmith.engine.adapter.site.Targets;
import dev.tunesmith.engine.data.BatchBuilder;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.model.ScoreHead;
import dev.tunesmith.engine.nn.Linear;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.objective.KtoObjective;
import dev.tunesmith.engine.objective.Objective;
import dev.tunesmith.engine.objective.Policy;
import dev.tunesmith.engine.objective.PpoObjective;
import dev.tunesmith.engine.objective.PpoUpdate;
import dev.tunesmith.engine.objective.PreferenceObjective;
import dev.tunesmith.engine.objective.ReferenceFreeObjective;
import dev.tunesmith.engine.objective.RewardObjective;
import dev.tunesmith.engine.objective.TokenObjective;
import dev.tunesmith.engine.objective.group.GroupObjective;
import dev.tunesmith.engine.objective.group.GroupUpdate;
import dev.tunesmith.engine.objective.rollout.Actor;
import dev.tunesmith.engine.objective.rollout.Drawer;
import dev.tunesmith.engine.objective.rollout.Judges;
import dev.tunesmith.engine.optim.Optimizer;
import dev.tunesmith.engine.optim.ParameterGroup;
import dev.tunesmith.engine.quant.FourBitFormat;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.text.Tokenizer;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;

/// Tokens a second of one training method on made-up words, half prompt and half answer.
///
/// A step is what one set of rows costs: for methods that draw answers themselves also the drawing,
/// and all updates with them. Its tokens are those of the rows, or of prompts with drawn answers.
final class MethodSpeed {
    /// Answers to a prompt, and parts in which all answers go through the model.
    private static final int GROUP = 4;

    private static final int RANK = 16;
    private static final double GIB = 1 << 30;

    private final Setup setup;
    private final PrintStream progress;

    /// What is learned.
    enum Goal {
        SFT(Method.SUPERVISED),
        DPO(Method.DPO),
        KTO(Method.KTO),
        ORPO(Method.ORPO),
        SIMPO(Method.SIMPO),
        CPO(Method.CPO),
        RM(Method.REWARD_MODEL),
        GRPO(Method.GRPO),
        PPO(Method.PPO);

        private final Method method;

        Goal(Method method) {
            this.method = method;
        }

        boolean draws() {
            return method.rowKind() == Method.RowKind.PROMPT;
        }

        boolean hasPairs() {
            return method.rowKind() == Method.RowKind.PAIR;
        }

        /// The name on the command line.
        String word() {
            return name().toLowerCase(Locale.ROOT);
        }

        /// The command that measures TRL.
        List<String> peer(List<String> arguments) {
            return this == PPO
                    ? PeerPython.command(PeerPython.home(), "ppo", "ppo.py", arguments)
                    : PeerPython.command(PeerPython.home(), "method.py", arguments);
        }
    }

    /// Which weights train.
    enum Weights {
        LORA,
        QLORA,
        FULL;

        /// Products of a weight with a row that learning needs: forward, input gradient, and the
        /// gradient of the weight itself.
        private int products() {
            return this == FULL ? 3 : 2;
        }
    }

    /// What is measured.
    ///
    /// @param documents that go through the model at once, each `length` tokens long; methods that
    ///   draw answers have [#GROUP] times as many in a step
    record Setup(Path model, Goal goal, Weights weights, int documents, int length, int steps) {
        int half() {
            return length / 2;
        }

        int rows() {
            return goal.draws() ? GROUP * documents : documents;
        }
    }

    /// What trains and by which rule.
    private record Work(
            Decoder decoder, MethodSettings settings, Objective objective, Optimizer optimizer) {}

    /// Seconds of one step.
    ///
    /// @param drawing until the first gradient: drawing answers and looking back at them
    private record Taken(double drawing, double learning) {
        double whole() {
            return drawing + learning;
        }
    }

    MethodSpeed(Setup setup, PrintStream progress) {
        this.setup = setup;
        this.progress = progress;
    }

    /// Trains and returns the figures, by the median step after the first.
    Map<String, Object> measure() throws IOException {
        ModelDirectory directory = ModelDirectory.open(setup.model());
        boolean full = setup.weights() == Weights.FULL;
        Optional<FourBitFormat> quantised =
                setup.weights() == Weights.QLORA
                        ? Optional.of(FourBitFormat.qlora())
                        : Optional.empty();
        Decoder.Loading loading = full ? Decoder.Loading.WRITABLE : Decoder.Loading.MAPPED;
        try (Decoder decoder =
                        Decoder.load(directory, new Decoder.Form(DType.BF16, loading, quantised));
                Tokenizer tokenizer = words(decoder).tokenizer();
                Frozen frozen = Frozen.beside(directory, decoder, full && hasReference());
                StepArena arena = StepArena.unlimited();
                Region state = Region.lasting("optimizer")) {
            if (full) {
                decoder.trainAll(state);
                return train(work(decoder, decoder.trainable(), frozen, tokenizer, state), arena);
            }
            LoraConfig config =
                    LoraConfig.plain("random", RANK, 2.0 * RANK, 0, Targets.allLinear());
            try (Adapter adapter = Adapter.fresh(decoder, config, 1)) {
                adapter.train();
                return train(work(decoder, adapter.parameters(), frozen, tokenizer, state), arena);
            }
        }
    }

    /// A second copy of the model: with an adapter the model without it.
    private record Frozen(Decoder model, boolean own) implements AutoCloseable {
        static Frozen beside(ModelDirectory directory, Decoder decoder, boolean copy) {
            return copy
                    ? new Frozen(Decoder.load(directory, DType.BF16, Decoder.Loading.MAPPED), true)
                    : new Frozen(decoder.share(), false);
        }

        @Override
        public void close() {
            if (own) {
                model.close();
            }
        }
    }

    private static MadeUpWords words(Decoder decoder) {
        return new MadeUpWords(decoder.architecture().size().vocabulary());
    }

    private boolean hasReference() {
        return settings().needsReference();
    }

    private MethodSettings settings() {
        Grader grader =
                new Grader.Similarity("{{sample.output_text}}", "w1 w2", Likeness.FUZZY_MATCH);
        var rollout = new Ppo.Rollout(setup.half(), 1, 1, 0);
        return switch (setup.goal()) {
            case GRPO -> {
                GroupSettings usual = GroupSettings.usual(Method.GRPO, grader);
                yield new GroupSettings(
                        usual.method(),
                        GROUP,
                        rollout,
                        usual.loss(),
                        usual.rewarding(),
                        usual.updates(),
                        usual.exam(),
                        grader,
                        Reference.START);
            }
            case PPO -> {
                Ppo usual = Ppo.usual(grader);
                yield new Ppo(
                        rollout,
                        usual.distance(),
                        usual.credit(),
                        usual.update(),
                        grader,
                        Reference.START);
            }
            case SFT, DPO, KTO, ORPO, SIMPO, CPO, RM -> setup.goal().method.defaults();
        };
    }

    private Work work(
            Decoder decoder,
            List<Parameter> trained,
            Frozen frozen,
            Tokenizer tokenizer,
            Region state) {
        MethodSettings settings = settings();
        var policy = new Policy(decoder, CheckpointPolicy.keepAll());
        ScoreHead head =
                ScoreHead.fresh(decoder.architecture().size().width(), Optional.of(1L), state);
        List<Parameter> all = new ArrayList<>(trained);
        if (settings.needsScoreHead()) {
            head.parameters().forEach(parameter -> parameter.train(state));
            all.addAll(head.parameters());
        }
        Objective objective =
                switch (settings) {
                    case MethodSettings.Supervised own -> new TokenObjective(policy, own);
                    case MethodSettings.Preference own ->
                            new PreferenceObjective(policy, Optional.of(frozen.model()), own);
                    case MethodSettings.Kto own -> new KtoObjective(policy, frozen.model(), own);
                    case MethodSettings.ReferenceFree own ->
                            new ReferenceFreeObjective(policy, own);
                    case MethodSettings.Reward own -> new RewardObjective(policy, head, own);
                    case GroupSettings own ->
                            new GroupObjective(
                                    own,
                                    new GroupUpdate(policy, own.loss(), 1),
                                    Optional.empty(),
                                    actor(decoder, own.rollout(), own.grader(), tokenizer));
                    case Ppo own ->
                            new PpoObjective(
                                    own,
                                    new PpoUpdate(policy, head, own.update(), 1),
                                    frozen.model(),
                                    actor(decoder, own.rollout(), own.grader(), tokenizer));
                    default -> throw new IllegalStateException("no goal " + settings.method());
                };
        Optimizer optimizer = Optimizer.usual(ParameterGroup.byDecay(all, 0), state);
        return new Work(decoder, settings, objective, optimizer);
    }

    /// Answers end when they are as long as they may be: no token stops them.
    private Actor actor(Decoder model, Ppo.Rollout rollout, Grader grader, Tokenizer tokenizer) {
        return new Actor(
                new Drawer(model, Set.of(), rollout, 1),
                tokenizer,
                Collections.nCopies(setup.rows(), Map.of()),
                grader,
                Judges.NONE);
    }

    private Map<String, Object> train(Work work, StepArena arena) {
        List<Taken> taken = new ArrayList<>();
        for (int step = 0; step < setup.steps(); step++) {
            taken.add(step(work, arena, step));
            progress.printf(
                    "step %d: %.1f s, %.1f of it before the first gradient%n",
                    step, taken.getLast().whole(), taken.getLast().drawing());
        }
        double whole = Figures.medianAfterFirst(taken.stream().mapToDouble(Taken::whole).toArray());
        double learning =
                Figures.medianAfterFirst(taken.stream().mapToDouble(Taken::learning).toArray());
        double drawing =
                Figures.medianAfterFirst(taken.stream().mapToDouble(Taken::drawing).toArray());
        double tokens = (double) setup.rows() * setup.length();
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("tokens_per_second", Figures.rounded(tokens / whole));
        figures.put("peak_rss_gib", Figures.rounded(OwnProcess.peakBytes() / GIB));
        double counted = setup.goal().draws() ? learning : whole;
        figures.put(
                "product_rate_share",
                Figures.rounded(products(work) / counted / ProductRate.bf16()));
        if (setup.goal().draws()) {
            double drawn = (double) setup.rows() * setup.half();
            figures.put("drawing_seconds", Figures.rounded(drawing));
            figures.put("learning_seconds", Figures.rounded(learning));
            figures.put("drawn_tokens_per_second", Figures.rounded(drawn / drawing));
        }
        return figures;
    }

    private Taken step(Work work, StepArena arena, int step) {
        double drawing = 0;
        double learning = 0;
        List<TokenBatch> parts = parts(words(work.decoder()), step);
        for (int use = 0; use < work.settings().updatesPerBatch(); use++) {
            long start = System.nanoTime();
            Objective.Step whole =
                    work.objective().begin(arena, parts, new Objective.Occasion(step, use, true));
            long begun = System.nanoTime();
            for (int part = 0; part < whole.parts(); part++) {
                try (Region region = arena.open("step")) {
                    Tape tape = Tape.recording(arena, region, 0);
                    double _ = whole.loss(tape, part).mean();
                    tape.backward();
                }
            }
            double _ = work.optimizer().step(1e-5).gradientNorm();
            work.optimizer().clearGradients();
            drawing += (begun - start) / 1e9;
            learning += (System.nanoTime() - begun) / 1e9;
        }
        return new Taken(drawing, learning);
    }

    /// The rows of a step. Methods that draw answers get prompts: as many in a part as documents go
    /// through the model at once, for groups with [#GROUP] answers to each.
    private List<TokenBatch> parts(MadeUpWords words, int step) {
        var random = new SplittableRandom(step);
        boolean draws = setup.goal().draws();
        int prompts = setup.goal() == Goal.GRPO ? setup.documents() : setup.rows();
        int documents = draws ? prompts : setup.documents();
        List<TokenBatch> parts = new ArrayList<>();
        for (int first = 0; first < documents; first += setup.documents()) {
            var builder = new BatchBuilder();
            int[] prompt = words.draw(random, setup.half());
            for (int d = first; d < first + setup.documents(); d++) {
                boolean second = setup.goal().hasPairs() && d % 2 == 1;
                prompt = second ? prompt : words.draw(random, setup.half());
                builder.add(
                        draws
                                ? prompt(prompt, d)
                                : answered(prompt, words.draw(random, setup.half()), d));
            }
            parts.add(builder.build());
        }
        return parts;
    }

    private static Sample prompt(int[] ids, int row) {
        return new Sample(ids, new float[ids.length], row);
    }

    /// Verdicts alternate, which is what the value means to KTO; margins are 0.
    private Sample answered(int[] prompt, int[] answer, int row) {
        int[] ids = Arrays.copyOf(prompt, prompt.length + answer.length);
        System.arraycopy(answer, 0, ids, prompt.length, answer.length);
        float[] weights = new float[ids.length];
        Arrays.fill(weights, setup.goal() == Goal.SFT ? 0 : prompt.length, ids.length, 1);
        return new Sample(ids, weights, setup.goal() == Goal.KTO ? row % 2 : 0);
    }

    /// Floating-point operations of the products with weights that learning from the rows of a step
    /// cannot do without: those of the head for tokens of answers only. Looking at a reference
    /// counts, drawing answers and computing a second time do not.
    private double products(Work work) {
        double matrices = 0;
        for (Linear linear : work.decoder().linears()) {
            matrices += (double) linear.weight().outputs() * linear.weight().inputs();
        }
        double head = work.decoder().head().weight().value().elements();
        double tokens = (double) setup.rows() * setup.length();
        double scored =
                switch (setup.goal()) {
                    case SFT -> tokens;
                    case RM -> 0;
                    case DPO, KTO, ORPO, SIMPO, CPO, GRPO, PPO -> tokens / 2;
                };
        double looked =
                switch (setup.goal()) {
                    case DPO -> 1;
                    case KTO -> 3;
                    case SFT, ORPO, SIMPO, CPO, RM, GRPO, PPO -> 0;
                };
        int learned = setup.weights().products() * work.settings().updatesPerBatch();
        return 2 * (matrices * tokens + head * scored) * (learned + looked);
    }
}
