package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.care.Care;
import dev.tunesmith.contracts.care.Groups;
import dev.tunesmith.contracts.fit.Depth;
import dev.tunesmith.contracts.fit.ModelFacts;
import dev.tunesmith.contracts.fit.Recompute;
import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.AdapterSpec.FrozenForm;
import dev.tunesmith.contracts.job.AdapterSpec.Quantization;
import dev.tunesmith.contracts.job.JobKind;
import dev.tunesmith.contracts.job.Overflow;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.AdapterKind;
import dev.tunesmith.contracts.method.DistillSettings;
import dev.tunesmith.contracts.method.Grader;
import dev.tunesmith.contracts.method.GroupLoss;
import dev.tunesmith.contracts.method.GroupSettings;
import dev.tunesmith.contracts.method.KlEstimator;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodSettings;
import dev.tunesmith.contracts.method.MethodSettings.Kto;
import dev.tunesmith.contracts.method.MethodSettings.Preference;
import dev.tunesmith.contracts.method.ModelRole;
import dev.tunesmith.contracts.method.Reference;
import dev.tunesmith.contracts.method.TokenLoss;
import dev.tunesmith.contracts.mixture.DataPlan;
import dev.tunesmith.contracts.optim.Curve;
import dev.tunesmith.contracts.optim.OptimizerSpec;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.FreshWeights;
import dev.tunesmith.engine.text.ByteLevelTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// A random Llama of 40 thousand parameters with its tokenizer, and rows to train it on.
record TinyModel(Path folder) {

    private static final List<String> SPECIAL =
            List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>");
    private static final List<String> COLOURS = List.of("red", "green", "blue", "white", "black");
    private static final List<String> THINGS = List.of("sky", "grass", "snow", "coal", "rose");

    static final long BYTES = 4L << 30;
    static final AdapterSpec FULL = new AdapterSpec.None();
    static final FrozenForm CODES = new FrozenForm(Quantization.NF4, true);

    /// Makes the model and its files in an empty folder.
    static TinyModel create(Path folder) throws IOException {
        Path base = Files.createDirectory(folder.resolve("base"));
        ByteLevelTokenizer.write(
                base.resolve(ModelDirectory.TOKENIZER),
                ByteLevelTokenizer.train(sentences(), 320, SPECIAL));
        JsonTree.write(
                base.resolve(ModelDirectory.TOKENIZER_CONFIG), Map.of("eos_token", "<|im_end|>"));
        Files.writeString(
                base.resolve(ModelDirectory.CONFIG),
                """
                {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 32,
                 "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
                 "num_key_value_heads": 2, "head_dim": 8, "vocab_size": 320, "hidden_act": "silu",
                 "max_position_embeddings": 128, "rms_norm_eps": 1e-05, "rope_theta": 10000.0,
                 "tie_word_embeddings": true, "initializer_range": 0.1, "torch_dtype": "float32"}
                """);
        FreshWeights.write(base, 7);
        Files.write(folder.resolve("chat.jsonl"), chats());
        Files.write(folder.resolve("text.jsonl"), texts());
        Files.write(folder.resolve("pairs.jsonl"), pairs());
        Files.write(folder.resolve("judged.jsonl"), judged());
        Files.write(folder.resolve("prompts.jsonl"), prompts());
        return new TinyModel(folder);
    }

    private static List<String> sentences() {
        List<String> sentences = new ArrayList<>();
        for (String thing : THINGS) {
            for (String colour : COLOURS) {
                sentences.add("The %s is %s.".formatted(thing, colour));
                sentences.add("user assistant system What colour is the %s?".formatted(thing));
            }
        }
        return sentences;
    }

    private static List<String> chats() {
        List<String> rows = new ArrayList<>();
        for (int i = 0; i < 22; i++) {
            String thing = THINGS.get(i % THINGS.size());
            rows.add(
                    """
                    {"messages":[{"role":"user","content":"What colour is the %s %d?"},\
                    {"role":"assistant","content":"The %s is %s."}]}\
                    """
                            .formatted(thing, i, thing, COLOURS.get(i % 3)));
        }
        return rows;
    }

    private static List<String> prompts() {
        List<String> rows = new ArrayList<>();
        for (int i = 0; i < 22; i++) {
            rows.add(
                    """
                    {"messages":[{"role":"user","content":"What colour is the %s %d?"}],"reference_answer":"e"}\
                    """
                            .formatted(THINGS.get(i % THINGS.size()), i));
        }
        return rows;
    }

    private static List<String> judged() {
        List<String> rows = new ArrayList<>();
        for (int i = 0; i < 22; i++) {
            String thing = THINGS.get(i % THINGS.size());
            rows.add(
                    """
                    {"prompt":"What colour is the %s %d?","completion":"%s","label":%s}\
                    """
                            .formatted(
                                    thing,
                                    i,
                                    i % 2 == 0
                                            ? "The %s is %s.".formatted(thing, COLOURS.get(i % 3))
                                            : "No idea %d.".formatted(i),
                                    i % 2 == 0));
        }
        return rows;
    }

    private static List<String> pairs() {
        List<String> rows = new ArrayList<>();
        for (int i = 0; i < 22; i++) {
            String thing = THINGS.get(i % THINGS.size());
            rows.add(
                    """
                    {"input":{"messages":[{"role":"user","content":"What colour is the %s %d?"}]},\
                    "preferred_output":[{"role":"assistant","content":"The %s is %s."}],\
                    "non_preferred_output":[{"role":"assistant","content":"No idea %d."}]}\
                    """
                            .formatted(thing, i, thing, COLOURS.get(i % 3), i));
        }
        return rows;
    }

    private static List<String> texts() {
        List<String> sentences = sentences();
        return IntStream.range(0, sentences.size())
                .mapToObj(i -> "{\"text\":\"%s %d\"}".formatted(sentences.get(i), i))
                .toList();
    }

    TrainingRun.Sources sources(Method method) {
        String file =
                switch (method.rowKind()) {
                    case DOCUMENT -> "text.jsonl";
                    case CONVERSATION -> "chat.jsonl";
                    case PAIR -> "pairs.jsonl";
                    case PROMPT -> "prompts.jsonl";
                    case JUDGED -> "judged.jsonl";
                };
        ModelDirectory base = ModelDirectory.open(folder.resolve("base"));
        var itself = new TrainingRun.Sources.Companion(base, Optional.empty());
        return new TrainingRun.Sources(
                base,
                folder.resolve(file),
                Optional.empty(),
                method == Method.DISTILL ? Map.of(ModelRole.TEACHER, itself) : Map.of());
    }

    static AdapterSpec lora(double dropout) {
        return new AdapterSpec.Lora(
                4, 8, dropout, List.of("all-linear"), false, AdapterSpec.Export.ADAPTER);
    }

    /// An adapter that is added to its base at the end.
    static AdapterSpec merged() {
        return new AdapterSpec.Lora(
                4, 8, 0, List.of("all-linear"), false, AdapterSpec.Export.MERGED);
    }

    /// An adapter beside NF4 weights with quantised scales.
    static AdapterSpec qlora() {
        return new AdapterSpec.Lora(
                        4, 8, 0, List.of("all-linear"), false, AdapterSpec.Export.ADAPTER)
                .withFrozen(new FrozenForm(Quantization.NF4, true));
    }

    /// A low-rank adapter of another kind.
    static AdapterSpec variant(AdapterKind kind) {
        return new AdapterSpec.Lora(
                        4, 8, 0, List.of("all-linear"), false, AdapterSpec.Export.ADAPTER)
                .withFrozen(kind == AdapterKind.LOFTQ ? CODES : null)
                .withVariant(kind);
    }

    /// A LoRA+ that differs between layers and trains other modules along.
    static AdapterSpec refined() {
        return new AdapterSpec.Lora(
                        4,
                        8,
                        0.1,
                        List.of("mlp.*_proj", "q_proj"),
                        false,
                        AdapterSpec.Export.ADAPTER)
                .withRefinements(
                        new AdapterSpec.Refinements(
                                Map.of("q_proj", 2),
                                Map.of("layers\\.1\\..*up_proj", 3.0),
                                List.of("down_proj"),
                                List.of(1),
                                List.of("embed_tokens", "norm"),
                                AdapterSpec.TrainedBias.ALL,
                                8,
                                1e-4));
    }

    /// An adapter with a size of blocks or of a prompt.
    static AdapterSpec tuner(AdapterKind kind, int size, String... modules) {
        return new AdapterSpec.Tuner(kind, size, List.of(modules), AdapterSpec.Export.ADAPTER);
    }

    /// Some weights of the model itself.
    static AdapterSpec part(AdapterKind kind, List<Integer> layers, String... modules) {
        return new AdapterSpec.Part(
                kind,
                layers,
                List.of(modules),
                kind == AdapterKind.LLAMA_PRO ? List.of() : List.of("model.norm"),
                kind == AdapterKind.LLAMA_PRO ? layers.size() : 0,
                kind == AdapterKind.SPECTRUM ? 0.5 : 0);
    }

    /// Short answers, used twice in two updates each.
    private static GroupSettings grouped(GroupSettings usual) {
        return new GroupSettings(
                usual.method(),
                3,
                new MethodSettings.Ppo.Rollout(6, 1, 1, 0),
                new GroupLoss(
                        usual.loss().kind(),
                        usual.loss().perSequence(),
                        usual.loss().clip(),
                        usual.method() == Method.GRPO
                                ? new GroupLoss.Price(0.05, false)
                                : usual.loss().price(),
                        usual.method() == Method.DAPO
                                ? new GroupLoss.Entropy(0.01, 0.5, null)
                                : usual.loss().entropy()),
                usual.rewarding(),
                new GroupSettings.Updates(2, 2),
                usual.exam(),
                usual.grader(),
                Reference.START);
    }

    /// The usual settings; answers are short.
    private static MethodSettings settings(Method method) {
        var check =
                new Grader.StringCheck(
                        "{{sample.output_text}}",
                        "{{item.reference_answer}}",
                        Grader.StringCheck.Operation.LIKE);
        if (method.defaults() instanceof GroupSettings) {
            return grouped(GroupSettings.usual(method, check));
        }
        if (method == Method.DISTILL) {
            var rollout = new MethodSettings.Ppo.Rollout(6, 1, 1, 0);
            return new DistillSettings("tiny", 0.5, 0.5, 2, 0.5, rollout);
        }
        if (method != Method.PPO) {
            return method.defaults();
        }
        MethodSettings.Ppo usual = MethodSettings.Ppo.usual(check);
        return new MethodSettings.Ppo(
                new MethodSettings.Ppo.Rollout(8, 1, 1, 0),
                new MethodSettings.Ppo.Distance(KlEstimator.K1, 0.02, 1.0, 100),
                new MethodSettings.Ppo.Credit(1, 0.95, true, 0.1, true),
                new MethodSettings.Ppo.Update(3, 2, 0.2, 0.2, 0.1, 0.01),
                usual.grader(),
                Reference.START);
    }

    /// The same job with other settings of its method.
    static ResolvedSpec with(ResolvedSpec spec, MethodSettings settings) {
        return spec.with(settings);
    }

    /// The same job compared with another reference; methods that a reference is optional to are
    /// told to need one.
    static ResolvedSpec compared(ResolvedSpec spec, Reference with) {
        return spec.with(compared(spec.settings(), with));
    }

    private static MethodSettings compared(MethodSettings settings, Reference with) {
        return switch (settings) {
            case Preference own ->
                    new Preference(
                            own.beta(),
                            own.losses(),
                            own.weights(),
                            own.labelSmoothing(),
                            own.divergence(),
                            own.alpha(),
                            own.tau(),
                            own.ldAlpha(),
                            own.weighted(),
                            own.referenceFree(),
                            with);
            case Kto own ->
                    new Kto(
                            own.variant(),
                            own.beta(),
                            own.desirableWeight(),
                            own.undesirableWeight(),
                            with);
            case MethodSettings.Ppo own ->
                    new MethodSettings.Ppo(
                            own.rollout(),
                            own.distance(),
                            own.credit(),
                            own.update(),
                            own.grader(),
                            with);
            case GroupSettings own ->
                    new GroupSettings(
                            own.method(),
                            own.answers(),
                            own.rollout(),
                            new GroupLoss(
                                    own.loss().kind(),
                                    own.loss().perSequence(),
                                    own.loss().clip(),
                                    new GroupLoss.Price(0.2, false),
                                    own.loss().entropy()),
                            own.rewarding(),
                            own.updates(),
                            own.exam(),
                            own.grader(),
                            with);
            case MethodSettings.Supervised _ ->
                    new MethodSettings.Supervised(TokenLoss.ASFT, 0, 1, 0, false, 0.5, with);
            default -> throw new IllegalArgumentException(settings.method().wire());
        };
    }

    /// The same job that computes something again.
    static ResolvedSpec with(ResolvedSpec spec, Recompute recompute) {
        return spec.with(recompute);
    }

    /// The same job with another optimizer and its rates.
    static ResolvedSpec with(ResolvedSpec spec, ResolvedSpec.Optimizer optimizer) {
        return spec.with(optimizer);
    }

    /// Two steps of the same job on rows of up to so many tokens, none of which is held out.
    static ResolvedSpec twoSteps(ResolvedSpec spec, int tokens) {
        return spec.with(new ResolvedSpec.Rows(tokens, false, Overflow.TRUNCATE, false, 0, 3, 3))
                .with(new ResolvedSpec.Steps(1, 2, 2, 1, 0, 0));
    }

    /// The same job with somebody who watches over it.
    static ResolvedSpec with(ResolvedSpec spec, Care care) {
        ResolvedSpec.Steps steps = spec.steps();
        return spec.with(
                new ResolvedSpec.Steps(
                        steps.nEpochs(),
                        steps.planned(),
                        steps.maxSteps(),
                        steps.loggingSteps(),
                        steps.saveSteps(),
                        steps.evalSteps(),
                        care));
    }

    /// The same job with other groups of parameters and another limit of the gradients' norm.
    static ResolvedSpec with(ResolvedSpec spec, Groups groups, double normMax) {
        ResolvedSpec.Optimizer old = spec.optimizer();
        return spec.with(
                new ResolvedSpec.Optimizer(
                        old.learningRate(),
                        1,
                        old.curve(),
                        old.warmupRatio(),
                        old.warmupSteps(),
                        old.weightDecay(),
                        normMax,
                        old.form(),
                        groups));
    }

    /// The same job that saves every so many steps.
    static ResolvedSpec saving(ResolvedSpec spec, int every) {
        return with(spec, spec.steps().maxSteps(), every);
    }

    /// The same job that goes on for so many steps, without evaluations on the way.
    static ResolvedSpec lasting(ResolvedSpec spec, int steps) {
        return spec.with(
                new ResolvedSpec.Steps(steps, steps, steps, 1, steps, 0, spec.steps().care()));
    }

    /// The same job that ends after so many steps.
    static ResolvedSpec steps(ResolvedSpec spec, int most) {
        return with(spec, most, spec.steps().saveSteps());
    }

    private static ResolvedSpec with(ResolvedSpec spec, @Nullable Integer most, int every) {
        ResolvedSpec.Steps steps = spec.steps();
        return spec.with(
                new ResolvedSpec.Steps(
                        steps.nEpochs(),
                        steps.planned(),
                        most,
                        steps.loggingSteps(),
                        every,
                        steps.evalSteps(),
                        steps.care()));
    }

    /// What is reported of a job from its first step to its last.
    Recorder train(ResolvedSpec spec) throws IOException {
        Path room = Files.createTempDirectory(folder, "room");
        Recorder recorder = new Recorder();
        try (TrainingRun run = TrainingRun.prepare(spec, sources(spec.method()), room, BYTES)) {
            assertThat(run.loop(run.start(), recorder).run()).isInstanceOf(Outcome.Finished.class);
        }
        return recorder;
    }

    /// Its shape.
    ModelFacts facts() {
        return TrainingRun.facts(ModelDirectory.open(folder.resolve("base")));
    }

    /// The same job with that many rows at once.
    static ResolvedSpec inParts(ResolvedSpec spec, int rows) {
        return divided(spec, spec.rows().validationShare(), rows);
    }

    /// The same job with another share of rows that only measure.
    static ResolvedSpec holdingOut(ResolvedSpec spec, double share) {
        return divided(spec, share, spec.rows().microBatch());
    }

    private static ResolvedSpec divided(ResolvedSpec spec, double share, int atOnce) {
        ResolvedSpec.Rows old = spec.rows();
        return spec.with(
                new ResolvedSpec.Rows(
                        old.maxSeqLen(),
                        old.packing(),
                        old.overflow(),
                        old.trainOnPrompt(),
                        share,
                        old.batchSize(),
                        atOnce,
                        old.attentionGroup(),
                        old.template(),
                        old.data(),
                        old.depth()));
    }

    /// Rows of that many tokens, in batches of four.
    static ResolvedSpec longRows(ResolvedSpec spec, int tokens) {
        ResolvedSpec.Rows old = spec.rows();
        return spec.with(
                new ResolvedSpec.Rows(
                        tokens, old.packing(), old.overflow(), old.trainOnPrompt(), 0, 4, 2));
    }

    /// The same job whose texts are seen in groups of eight tokens.
    static ResolvedSpec inGroups(ResolvedSpec spec) {
        return withRows(spec, 8, spec.rows().data(), spec.rows().depth());
    }

    /// The same job with a chat template by name.
    static ResolvedSpec templated(ResolvedSpec spec, String template) {
        return withRows(spec, spec.rows().overflow(), template);
    }

    /// The same job that treats long rows so.
    static ResolvedSpec cutting(ResolvedSpec spec, Overflow overflow) {
        return withRows(spec, overflow, spec.rows().template());
    }

    private static ResolvedSpec withRows(
            ResolvedSpec spec, Overflow overflow, @Nullable String template) {
        ResolvedSpec.Rows rows = spec.rows();
        return spec.with(
                new ResolvedSpec.Rows(
                        rows.maxSeqLen(),
                        rows.packing(),
                        overflow,
                        rows.trainOnPrompt(),
                        rows.validationShare(),
                        rows.batchSize(),
                        rows.microBatch(),
                        rows.attentionGroup(),
                        template,
                        rows.data(),
                        rows.depth()));
    }

    /// The same job whose tokens pass those layers.
    static ResolvedSpec with(ResolvedSpec spec, Depth depth) {
        return withRows(spec, spec.rows().attentionGroup(), spec.rows().data(), depth);
    }

    /// The same job on other files or in another order.
    static ResolvedSpec with(ResolvedSpec spec, DataPlan data) {
        return withRows(spec, spec.rows().attentionGroup(), data, spec.rows().depth());
    }

    private static ResolvedSpec withRows(
            ResolvedSpec spec, int group, @Nullable DataPlan data, Depth depth) {
        return spec.with(spec.rows().with(group, data, depth));
    }

    /// The spec with another optimizer.
    static ResolvedSpec with(ResolvedSpec spec, OptimizerSpec form, Curve curve) {
        return spec.with(new ResolvedSpec.Optimizer(5e-3, 1, curve, 0.1, null, 0.01, 1, form));
    }

    /// Twelve steps of six rows, three at once; with held-out rows and checkpoints on the way.
    static ResolvedSpec spec(Method method, AdapterSpec adapter, Precision precision) {
        return new ResolvedSpec(
                1,
                JobKind.TRAIN,
                settings(method),
                "tiny",
                adapter,
                new ResolvedSpec.Rows(
                        48, method == Method.PRETRAIN, Overflow.TRUNCATE, false, 0.15, 6, 3),
                new ResolvedSpec.Steps(6, 12, 12, 1, 4, 3),
                new ResolvedSpec.Optimizer(
                        5e-3, 1, Curve.COSINE, 0.1, null, 0.01, 1, OptimizerSpec.ADAMW),
                precision,
                Recompute.NONE,
                42,
                Map.of());
    }
}
