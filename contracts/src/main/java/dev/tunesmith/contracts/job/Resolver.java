package dev.tunesmith.contracts.job;

import dev.tunesmith.contracts.care.Care;
import dev.tunesmith.contracts.care.Groups;
import dev.tunesmith.contracts.care.Preset;
import dev.tunesmith.contracts.care.UsualRate;
import dev.tunesmith.contracts.data.DatasetStats;
import dev.tunesmith.contracts.fit.Beside;
import dev.tunesmith.contracts.fit.BlockExpansion;
import dev.tunesmith.contracts.fit.Depth;
import dev.tunesmith.contracts.fit.MemoryPlan;
import dev.tunesmith.contracts.fit.ModelFacts;
import dev.tunesmith.contracts.fit.Recompute;
import dev.tunesmith.contracts.fit.Workload;
import dev.tunesmith.contracts.job.AdapterSpec.FrozenForm;
import dev.tunesmith.contracts.job.AdapterSpec.Quantization;
import dev.tunesmith.contracts.job.AdapterSpec.Refinements;
import dev.tunesmith.contracts.job.TrainingOptions.Part;
import dev.tunesmith.contracts.method.AdapterKind;
import dev.tunesmith.contracts.method.GroupSettings;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodChoice;
import dev.tunesmith.contracts.method.MethodSettings;
import dev.tunesmith.contracts.method.ModelRole;
import dev.tunesmith.contracts.mixture.DataPlan;
import dev.tunesmith.contracts.optim.Curve;
import dev.tunesmith.contracts.optim.OptimizerKind;
import dev.tunesmith.contracts.optim.OptimizerSpec;
import dev.tunesmith.contracts.optim.Setting;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Turns what was asked for into numbers, each with its origin.
///
/// The same spec, model and figures always give the same result. Sources of the defaults: TRL and
/// PEFT (rank 16, alpha 2 × rank), LLaMA-Factory (cosine, LoRA rates ten times those of full
/// fine-tuning), GPT-3 (larger models want smaller rates).
public final class Resolver {
    private static final double FILL = 0.8;
    private static final int TOKENS_OF_BATCH_MAX = 8192;
    private static final double PACKING_LOSS = 0.95;
    private static final int PRETRAIN_ROW_MAX = 1024;
    private static final double GIB = 1L << 30;

    /// The seed of jobs that name none.
    public static final long SEED = 42;

    private static final double SPECTRUM_SHARE = 0.25;
    private static final TrainingOptions.LayerChoice LAST_TWO =
            new TrainingOptions.LayerChoice(2, List.of());

    private final JobSpec spec;
    private final ModelFacts model;
    private final DatasetStats stats;
    private final long deviceBytes;
    private final Map<ModelRole, ModelFacts> companions;
    private final boolean pretrain;
    private final Preset.Case situation;
    private final Map<String, Preset.Chosen> preset;
    private final Map<String, Origin> origins = new TreeMap<>();

    private Resolver(
            JobSpec spec,
            ModelFacts model,
            DatasetStats stats,
            long deviceBytes,
            Map<ModelRole, ModelFacts> companions) {
        this.companions = Map.copyOf(companions);
        this.spec = spec;
        this.model = model;
        this.stats = stats;
        this.deviceBytes = deviceBytes;
        this.pretrain = spec.method() == Method.PRETRAIN;
        TrainingOptions.Wishes wishes = spec.training().wishes();
        this.situation =
                new Preset.Case(
                        spec.method(),
                        model,
                        stats,
                        spec.training().adapter().kind(),
                        spec.validationFile() != null);
        this.preset = wishes.preset() == null ? Map.of() : wishes.preset().values(situation);
    }

    /// Decides everything that the spec leaves open.
    ///
    /// @param deviceBytes memory of the largest device; the batch is chosen to fit into it
    public static ResolvedSpec resolve(
            JobSpec spec, ModelFacts model, DatasetStats stats, long deviceBytes) {
        return resolve(spec, model, stats, deviceBytes, Map.of());
    }

    /// The same, with the shapes of the other models that the job names.
    public static ResolvedSpec resolve(
            JobSpec spec,
            ModelFacts model,
            DatasetStats stats,
            long deviceBytes,
            Map<ModelRole, ModelFacts> companions) {
        return new Resolver(spec, model, stats, deviceBytes, companions).resolved();
    }

    /// What a resolved job does to memory, at its longest row.
    public static Workload workload(ResolvedSpec spec, DatasetStats stats) {
        return workload(spec, stats, Map.of());
    }

    /// The same, with the shapes of the other models that the job names.
    public static Workload workload(
            ResolvedSpec spec, DatasetStats stats, Map<ModelRole, ModelFacts> companions) {
        int longest = spec.rows().packing() ? spec.rows().maxSeqLen() : stats.longest();
        int tokens = Math.clamp(longest, 1, spec.rows().maxSeqLen());
        return spec.adapter()
                .workload(
                        spec.precision(),
                        spec.settings().rowsBack(spec.rows().microBatch(), spec.rows().batchSize()),
                        tokensOf(spec.settings(), tokens),
                        spec.recompute())
                .withBeside(Beside.of(spec.settings(), spec.adapter().kind().weights(), companions))
                .withDrawn(spec.settings().drawnTogether(spec.rows().batchSize()))
                .withDepth(spec.rows().depth())
                .withOptimizer(spec.optimizer().form())
                .withKept(
                        kept(
                                spec.steps().care(),
                                spec.optimizer().groups(),
                                changesInBackward(spec)));
    }

    /// Whether each layer changes as soon as its gradient is there: the whole step must then be one
    /// part, and its rows known before it begins.
    public static boolean changesInBackward(ResolvedSpec spec) {
        return spec.optimizer().form().kind().stepsInBackward()
                && spec.adapter().kind().weights()
                && spec.rows().accumulation() == 1
                && spec.method().rowKind() != Method.RowKind.PROMPT;
    }

    private static Workload.Kept kept(Care care, Groups groups, boolean atOnce) {
        return new Workload.Kept(
                care.average().on(),
                care.choice().best(),
                groups.states() == Groups.States.DISK,
                atOnce);
    }

    /// Tokens of a row with a longest text of `tokens`.
    private static int tokensOf(MethodSettings settings, int tokens) {
        return tokens * settings.method().documentsPerRow() + settings.answerTokens();
    }

    private ResolvedSpec resolved() {
        MethodSettings settings = settings();
        AdapterSpec adapter = adapter();
        Precision precision =
                orDefault("precision", spec.training().compute().precision(), Precision.BF16);
        int maxSeqLen = maxSeqLen();
        boolean packing = packing();
        int batch = batchSize();
        int rowTokens = packing ? maxSeqLen : Math.clamp(stats.longest(), 1, maxSeqLen);
        Workload wide =
                adapter.workload(precision, 1, tokensOf(settings, rowTokens), Recompute.NONE)
                        .withBeside(Beside.of(settings, adapter.kind().weights(), companions))
                        .withDrawn(settings.drawnTogether(batch))
                        .withDepth(Depth.of(spec.training().wishes().care()))
                        .withOptimizer(form(spec.training().optimizer()))
                        .withKept(
                                kept(
                                        Care.of(decided(Care.SETTINGS)),
                                        Groups.of(decided(Groups.SETTINGS)),
                                        batch == 1));
        Recompute again = recompute(wide);
        int micro = microBatch(wide.withRecompute(again), batch);
        ResolvedSpec.Rows rows = rows(maxSeqLen, packing, batch, micro);
        return new ResolvedSpec(
                spec.specVersion(),
                spec.kind(),
                settings,
                spec.model(),
                adapter,
                rows,
                steps(rows),
                optimizer(adapter),
                precision,
                again,
                orDefault("seed", spec.seed(), SEED),
                origins);
    }

    private <T> T orDefault(String key, @Nullable T asked, T otherwise) {
        if (asked != null) {
            origins.put(key, Origin.USER);
            return asked;
        }
        return ofPreset(key, () -> fixed(key, otherwise));
    }

    private <T> T orDerived(String key, @Nullable T asked, Supplier<Derived<T>> rule) {
        if (asked != null) {
            origins.put(key, Origin.USER);
            return asked;
        }
        return ofPreset(
                key,
                () -> {
                    Derived<T> derived = rule.get();
                    origins.put(key, Origin.derived(derived.reason));
                    return derived.value;
                });
    }

    /// What the preset sets, in the type that the key has; if it sets nothing, something else.
    @SuppressWarnings("unchecked")
    private <T> T ofPreset(String key, Supplier<T> otherwise) {
        Preset.Chosen chosen = preset.get(key);
        if (chosen == null) {
            return otherwise.get();
        }
        origins.put(key, Origin.preset(chosen.reason()));
        return (T) chosen.value();
    }

    private record Derived<T>(T value, String reason) {}

    private MethodSettings settings() {
        MethodChoice choice = spec.choice();
        var keys = new TreeMap<String, Object>(choice.settings().hyperparameters());
        choice.settings().addTo(keys);
        keys.keySet()
                .forEach(key ->
                        origins.put(
                                key, choice.given().contains(key) ? Origin.USER : Origin.DEFAULT));
        return choice.settings();
    }

    private AdapterSpec adapter() {
        TrainingOptions.Adapter asked = spec.training().adapter();
        AdapterKind kind =
                orDerived(
                        "adapter",
                        asked.kind(),
                        () ->
                                pretrain
                                        ? new Derived<>(
                                                AdapterKind.NONE,
                                                "pre-training changes all weights")
                                        : loraOrCodes());
        if (kind == AdapterKind.NONE) {
            return new AdapterSpec.None();
        }
        if (kind.weights()) {
            return part(kind, asked.part());
        }
        return kind.lowRank() ? lowRank(kind, asked) : tuner(kind, asked);
    }

    /// An adapter; beside codes if that was left open and the weights do not fit as they are.
    private Derived<AdapterKind> loraOrCodes() {
        int tokens = tokensOf(spec.choice().settings(), Math.max(1, stats.longest()));
        Workload plain =
                new AdapterSpec.None()
                        .workload(Precision.BF16, 1, tokens, Recompute.BLOCK)
                        .withBeside(Beside.of(spec.choice().settings(), false, companions))
                        .withLora(16);
        return spec.training().wishes().automatic().contains("adapter") && !fits(plain)
                ? new Derived<>(AdapterKind.QLORA, "beside bf16 weights one row does not fit")
                : new Derived<>(AdapterKind.LORA, "an adapter is enough for tuning");
    }

    private AdapterSpec.Part part(AdapterKind kind, Part asked) {
        return switch (kind) {
            case LLAMA_PRO -> {
                int added = orDerived("new_blocks", asked.newBlocks(), this::newBlocks);
                List<Integer> layers = BlockExpansion.places(model.layers(), added);
                yield new AdapterSpec.Part(
                        kind, layers, List.of(AdapterSpec.Part.ALL), List.of(), added, 0);
            }
            case SPECTRUM ->
                    new AdapterSpec.Part(
                            kind,
                            List.of(),
                            modules(asked),
                            orDefault("extra_modules", asked.extra(), List.of()),
                            0,
                            orDefault("trainable_share", asked.share(), SPECTRUM_SHARE));
            default ->
                    new AdapterSpec.Part(
                            kind,
                            orDefault("trainable_layers", asked.layers(), LAST_TWO)
                                    .of(model.layers()),
                            modules(asked),
                            orDefault("extra_modules", asked.extra(), List.of()),
                            0,
                            0);
        };
    }

    private List<String> modules(Part asked) {
        return orDefault("trainable_modules", asked.modules(), List.of(AdapterSpec.Part.ALL));
    }

    /// A quarter of the layers, as in the paper (8 of 32).
    private Derived<Integer> newBlocks() {
        return new Derived<>(
                Math.max(1, model.layers() / 4),
                "a quarter of %d layers".formatted(model.layers()));
    }

    private AdapterSpec.Lora lowRank(AdapterKind kind, TrainingOptions.Adapter asked) {
        FrozenForm frozen = kind.keys().contains("quantization") ? frozen(kind, asked) : null;
        int rank = rank(kind, asked);
        double alpha =
                kind == AdapterKind.VERA
                        ? rank
                        : orDerived(
                                "alpha",
                                asked.alpha(),
                                () -> new Derived<>(2.0 * rank, "2 × rank"));
        boolean rootScale =
                kind.keys().contains("use_rslora")
                        && orDefault("use_rslora", asked.rslora(), false);
        boolean plain = kind == AdapterKind.LORA || kind == AdapterKind.QLORA;
        return new AdapterSpec.Lora(
                rank,
                alpha,
                orDefault("dropout", asked.dropout(), 0.0),
                targetModules(asked),
                rootScale,
                orDefault("export", asked.export(), AdapterSpec.Export.ADAPTER),
                frozen,
                plain ? null : kind,
                refinements(kind, asked));
    }

    private int rank(AdapterKind kind, TrainingOptions.Adapter asked) {
        if (kind == AdapterKind.VERA) {
            // Its vectors grow with the width, hardly with the rank.
            Integer given = asked.rank();
            origins.put("rank", given == null ? Origin.DEFAULT : Origin.USER);
            return given == null ? 256 : given;
        }
        if (!spec.training().wishes().automatic().contains("rank")) {
            return orDefault("rank", asked.rank(), 16);
        }
        Preset.Chosen chosen = Preset.rank(situation);
        return orDerived(
                "rank",
                asked.rank(),
                () -> new Derived<>((Integer) chosen.value(), chosen.reason()));
    }

    private Refinements refinements(AdapterKind kind, TrainingOptions.Adapter options) {
        Refinements usual = Refinements.NONE;
        if (!kind.keys().contains("rank_pattern")) {
            return usual;
        }
        TrainingOptions.Refinements asked = options.refinements();
        TrainingOptions.LayerChoice layers =
                orDefault(
                        "trainable_layers",
                        options.part().layers(),
                        new TrainingOptions.LayerChoice(0, List.of()));
        return new Refinements(
                orDefault("rank_pattern", asked.rankPattern(), usual.rankPattern()),
                orDefault("alpha_pattern", asked.alphaPattern(), usual.alphaPattern()),
                orDefault("exclude_modules", asked.excludeModules(), usual.excludeModules()),
                layers.of(model.layers()),
                orDefault("modules_to_save", asked.modulesToSave(), usual.modulesToSave()),
                orDefault("bias", asked.bias(), usual.bias()),
                orDefault("loraplus_lr_ratio", asked.plusRatio(), usual.plusRatio()),
                orDefault(
                        "loraplus_lr_embedding",
                        asked.plusEmbeddingRate(),
                        usual.plusEmbeddingRate()));
    }

    private List<String> targetModules(TrainingOptions.Adapter asked) {
        return orDefault(
                "target_modules", asked.targetModules(), List.of(AdapterSpec.Lora.ALL_LINEAR));
    }

    private AdapterSpec.Tuner tuner(AdapterKind kind, TrainingOptions.Adapter asked) {
        int size = 0;
        if (kind.virtualTokens()) {
            size = orDefault("virtual_tokens", asked.sizes().virtualTokens(), 20);
        } else if (kind.keys().contains("block_size")) {
            int usual = kind == AdapterKind.BOFT ? 8 : 32;
            size = orDefault("block_size", asked.sizes().blockSize(), usual);
        }
        List<String> modules =
                switch (kind) {
                    case PROMPT_TUNING, P_TUNING, PREFIX_TUNING -> List.of();
                    case IA3 ->
                            orDefault(
                                    "target_modules",
                                    asked.targetModules(),
                                    List.of("k_proj", "v_proj", "down_proj"));
                    default -> targetModules(asked);
                };
        return new AdapterSpec.Tuner(
                kind,
                size,
                modules,
                orDefault("export", asked.export(), AdapterSpec.Export.ADAPTER));
    }

    /// `adapter: qlora` is `adapter: lora` with `quantization: nf4`.
    private @Nullable FrozenForm frozen(AdapterKind kind, TrainingOptions.Adapter asked) {
        Quantization type =
                orDerived(
                        "quantization",
                        asked.quantization(),
                        () ->
                                kind == AdapterKind.QLORA || kind == AdapterKind.LOFTQ
                                        ? new Derived<>(Quantization.NF4, "adapter " + kind.wire())
                                        : new Derived<>(
                                                Quantization.NONE, "adapter " + kind.wire()));
        if (type == Quantization.NONE) {
            return null;
        }
        return new FrozenForm(
                type, orDefault("double_quantization", asked.doubleQuantization(), true));
    }

    private int maxSeqLen() {
        int context = Math.max(1, model.contextLength() - spec.choice().settings().answerTokens());
        return orDerived(
                "max_seq_len",
                spec.training().rows().maxSeqLen(),
                () -> {
                    if (pretrain) {
                        return new Derived<>(
                                Math.min(context, PRETRAIN_ROW_MAX),
                                "context of %d, at most %d".formatted(context, PRETRAIN_ROW_MAX));
                    }
                    int rounded = Math.ceilDiv(Math.max(1, stats.longest()), 64) * 64;
                    return new Derived<>(
                            Math.min(context, rounded),
                            "longest row has %d tokens, the model's context is %d"
                                    .formatted(stats.longest(), context));
                });
    }

    private boolean keepsRowsApart() {
        return switch (spec.training().data().order()) {
            case BY_LENGTH, GROUPED_BY_LENGTH, BY_COLUMN -> true;
            case SHUFFLED, GIVEN -> false;
        };
    }

    private boolean packing() {
        return orDerived(
                "packing",
                spec.training().rows().packing(),
                () ->
                        pretrain && !keepsRowsApart()
                                ? new Derived<>(true, "documents are joined for pre-training")
                                : new Derived<>(
                                        false,
                                        "rows are batched without padding, packing is not needed"));
    }

    private int batchSize() {
        TrainingOptions.Compute compute = spec.training().compute();
        Integer micro = compute.microBatch();
        Integer accumulation = compute.accumulation();
        return orDerived(
                "batch_size",
                spec.hyperparameters().batchSize(),
                () -> {
                    if (micro != null && accumulation != null) {
                        return new Derived<>(
                                micro * accumulation, "micro_batch × gradient_accumulation_steps");
                    }
                    int wanted = powerOfTwo(Math.clamp(stats.rows() / 100, 4, 32));
                    int least =
                            Math.max(
                                    micro == null ? 1 : micro,
                                    accumulation == null ? 1 : accumulation);
                    return new Derived<>(
                            Math.max(wanted, least),
                            "about a hundredth of %d rows, between 4 and 32"
                                    .formatted(stats.rows()));
                });
    }

    private static int powerOfTwo(int value) {
        return Integer.highestOneBit(value);
    }

    private Recompute recompute(Workload wide) {
        Recompute asked = spec.training().compute().recompute();
        boolean again =
                orDerived(
                        "gradient_checkpointing",
                        asked == null ? null : asked != Recompute.NONE,
                        () -> {
                            boolean fits = fits(wide);
                            return new Derived<>(
                                    !fits,
                                    fits
                                            ? "one row fits into memory without it"
                                            : "without it one row does not fit into memory");
                        });
        origins.put("recompute", origins.getOrDefault("gradient_checkpointing", Origin.USER));
        return asked != null ? asked : again ? Recompute.BLOCK : Recompute.NONE;
    }

    private boolean fits(Workload work) {
        return MemoryPlan.of(model, work).fits((long) (deviceBytes * FILL));
    }

    private int microBatch(Workload one, int batch) {
        TrainingOptions.Compute compute = spec.training().compute();
        Integer accumulation = compute.accumulation();
        int micro =
                accumulation != null && compute.microBatch() == null
                        ? cut(batch, accumulation)
                        : orDerived(
                                "micro_batch",
                                compute.microBatch(),
                                () -> largestThatFits(one, batch));
        orDerived(
                "gradient_accumulation_steps",
                accumulation,
                () -> new Derived<>(Math.ceilDiv(batch, micro), "⌈batch_size / micro_batch⌉"));
        return micro;
    }

    private int cut(int batch, int accumulation) {
        origins.put("micro_batch", Origin.derived("batch_size / gradient_accumulation_steps"));
        return Math.ceilDiv(batch, accumulation);
    }

    private Derived<Integer> largestThatFits(Workload one, int batch) {
        Workload.Kept kept = one.kept();
        Workload whole =
                one.withMicroBatch(batch)
                        .withKept(
                                new Workload.Kept(
                                        kept.average(), kept.best(), kept.onDisk(), true));
        int rows = batch;
        while (rows > 1
                && ((long) rows * one.rowTokens() > TOKENS_OF_BATCH_MAX
                        || !fits(rows == batch ? whole : one.withMicroBatch(rows)))) {
            rows = Math.ceilDiv(rows, 2);
        }
        return new Derived<>(
                rows,
                String.format(
                        Locale.ROOT,
                        "largest part of batch_size %d that fits, with at most %d tokens: %.1f of %.1f GiB",
                        batch,
                        TOKENS_OF_BATCH_MAX,
                        MemoryPlan.of(model, one.withMicroBatch(rows)).total() / GIB,
                        deviceBytes / GIB));
    }

    private ResolvedSpec.Rows rows(int maxSeqLen, boolean packing, int batch, int micro) {
        TrainingOptions.Rows asked = spec.training().rows();
        return new ResolvedSpec.Rows(
                maxSeqLen,
                packing,
                orDefault("overflow", asked.overflow(), Overflow.TRUNCATE),
                pretrain || orDefault("train_on_prompt", asked.trainOnPrompt(), false),
                spec.validationFile() == null
                        ? orDefault("val_size", asked.validationShare(), 0.0)
                        : fixed("val_size", 0.0),
                batch,
                micro,
                attentionGroup(maxSeqLen),
                template(),
                data(),
                Depth.of(decided(Depth.SETTINGS)));
    }

    private @Nullable DataPlan data() {
        DataPlan data = spec.training().data();
        data.wire().keySet().forEach(key -> origins.put(key, Origin.USER));
        return data.equals(DataPlan.PLAIN) ? null : data;
    }

    private <T> T fixed(String key, T value) {
        origins.put(key, Origin.DEFAULT);
        return value;
    }

    private @Nullable String template() {
        String named = spec.training().template();
        if (named != null) {
            origins.put("template", Origin.USER);
        }
        return named;
    }

    private int attentionGroup(int maxSeqLen) {
        TrainingOptions.Rows asked = spec.training().rows();
        if (!orDefault("shifted_attention", asked.shiftedAttention(), false)) {
            return 0;
        }
        return orDerived(
                "attention_group",
                asked.attentionGroup(),
                () ->
                        new Derived<>(
                                Math.max(2, maxSeqLen / 8 * 2),
                                "a quarter of max_seq_len %d".formatted(maxSeqLen)));
    }

    private ResolvedSpec.Steps steps(ResolvedSpec.Rows rows) {
        TrainingOptions.Cadence asked = spec.training().cadence();
        int epochs = epochs();
        long batches = Math.max(1, Math.ceilDiv(trainedRows(rows), rows.batchSize()));
        long ofEpoch = batches * spec.choice().settings().updatesPerBatch();
        long all = ofEpoch * epochs;
        Integer maxSteps = asked.maxSteps();
        if (maxSteps != null) {
            origins.put("max_steps", Origin.USER);
        }
        long planned = maxSteps == null ? all : Math.min(all, maxSteps);
        boolean validates = spec.validationFile() != null || rows.validationShare() > 0;
        return new ResolvedSpec.Steps(
                epochs,
                planned,
                maxSteps,
                orDefault("logging_steps", asked.loggingSteps(), 1),
                orDerived("save_steps", asked.saveSteps(), () -> part(planned, 10)),
                orDerived("eval_steps", asked.evalSteps(), () -> evaluations(planned, validates)),
                Care.of(decided(Care.SETTINGS)));
    }

    /// The settings of a table, each with its origin.
    private Map<String, Object> decided(List<Setting> settings) {
        Map<String, Object> given = spec.training().wishes().care();
        var values = new TreeMap<String, Object>();
        for (Setting setting : settings) {
            values.put(
                    setting.key(),
                    orDefault(setting.key(), given.get(setting.key()), setting.usual()));
        }
        return values;
    }

    private Derived<Integer> evaluations(long planned, boolean validates) {
        if (!validates) {
            return new Derived<>(0, "nothing to validate on");
        }
        int asked =
                spec.choice().settings() instanceof GroupSettings group
                        ? group.exam().interval()
                        : 0;
        return asked > 0 ? new Derived<>(asked, "eval_interval") : part(planned, 5);
    }

    private static Derived<Integer> part(long planned, int parts) {
        long steps = Math.clamp(Math.ceilDiv(planned, parts), 1, 1000);
        return new Derived<>(
                Math.toIntExact(steps),
                "a %s of %d steps".formatted(parts == 10 ? "tenth" : "fifth", planned));
    }

    private long trainedRows(ResolvedSpec.Rows rows) {
        long heldOut =
                spec.validationFile() == null ? heldOut(stats.rows(), rows.validationShare()) : 0;
        long kept =
                rows.overflow() == Overflow.DROP ? stats.rows() - stats.cutRows() : stats.rows();
        long left = Math.max(1, kept - heldOut);
        if (!rows.packing()) {
            return left;
        }
        double share = stats.rows() == 0 ? 1 : (double) left / stats.rows();
        double full = rows.maxSeqLen() * (pretrain ? 1 : PACKING_LOSS);
        return Math.max(1, (long) Math.ceil(stats.tokens() * share / full));
    }

    private static long heldOut(long rows, double size) {
        return (long) (size < 1 ? Math.ceil(rows * size) : Math.min((double) (rows - 1), size));
    }

    private int epochs() {
        return orDerived(
                "n_epochs",
                spec.hyperparameters().nEpochs(),
                () -> {
                    if (pretrain) {
                        return new Derived<>(1, "each document is read once");
                    }
                    long rows = Math.max(1, stats.rows());
                    int usual = rows <= 5_000 ? 3 : rows <= 50_000 ? 2 : 1;
                    int small = Math.toIntExact(Math.min(10, Math.ceilDiv(300, rows)));
                    return new Derived<>(
                            Math.max(usual, small),
                            "%d rows; small files are read more often".formatted(stats.rows()));
                });
    }

    private ResolvedSpec.Optimizer optimizer(AdapterSpec adapter) {
        TrainingOptions.Optimizer asked = spec.training().optimizer();
        double multiplier =
                orDefault(
                        "learning_rate_multiplier",
                        spec.hyperparameters().learningRateMultiplier(),
                        1.0);
        OptimizerSpec form = form(asked);
        double rate =
                orDerived(
                        "learning_rate",
                        asked.learningRate(),
                        () -> {
                            UsualRate usual = usualRate(adapter, form.kind());
                            return new Derived<>(usual.rate(), usual.reason());
                        });
        Integer warmupSteps = asked.warmupSteps();
        if (warmupSteps != null) {
            origins.put("warmup_steps", Origin.USER);
        }
        return new ResolvedSpec.Optimizer(
                rate * multiplier,
                multiplier,
                curve(asked, form.kind()),
                warmupSteps == null ? orDefault("warmup_ratio", asked.warmupRatio(), 0.03) : 0,
                warmupSteps,
                orDefault("weight_decay", asked.weightDecay(), pretrain ? 0.1 : 0.0),
                orDefault("max_grad_norm", asked.maxGradNorm(), 1.0),
                form,
                Groups.of(decided(Groups.SETTINGS)));
    }

    private UsualRate usualRate(AdapterSpec adapter, OptimizerKind kind) {
        return UsualRate.of(spec.method(), adapter.kind(), kind, model.parameters());
    }

    private Curve curve(TrainingOptions.Optimizer asked, OptimizerKind kind) {
        return kind == OptimizerKind.SCHEDULE_FREE
                ? orDerived(
                        "scheduler",
                        asked.curve(),
                        () -> new Derived<>(Curve.CONSTANT, "schedule_free lowers no rate"))
                : orDefault("scheduler", asked.curve(), Curve.COSINE);
    }

    private OptimizerSpec form(TrainingOptions.Optimizer asked) {
        TrainingOptions.Form given = asked.form();
        OptimizerKind kind =
                orDefault("optimizer", given == null ? null : given.kind(), OptimizerKind.ADAMW);
        var values = new TreeMap<String, Object>();
        if (pretrain && kind.setting("beta2").isPresent() && kind != OptimizerKind.LION) {
            values.put("beta2", 0.95);
        }
        if (given != null) {
            values.putAll(given.given());
        }
        ResolvedSpec.ADAM_KEYS.forEach((key, setting) -> {
            Double number =
                    switch (setting) {
                        case "beta1" -> asked.adam().beta1();
                        case "beta2" -> asked.adam().beta2();
                        default -> asked.adam().epsilon();
                    };
            if (number != null) {
                values.put(setting, number);
            }
            if (kind.setting(setting).isPresent()) {
                boolean said =
                        number != null || (given != null && given.given().containsKey(setting));
                origins.put(key, said ? Origin.USER : Origin.DEFAULT);
            }
        });
        return new OptimizerSpec(kind, values);
    }
}
