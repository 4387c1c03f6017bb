package dev.tunesmith.contracts.job;

import dev.tunesmith.contracts.care.Care;
import dev.tunesmith.contracts.care.Groups;
import dev.tunesmith.contracts.care.Preset;
import dev.tunesmith.contracts.chat.NamedTemplates;
import dev.tunesmith.contracts.fit.Depth;
import dev.tunesmith.contracts.fit.Recompute;
import dev.tunesmith.contracts.job.AdapterSpec.Quantization;
import dev.tunesmith.contracts.method.AdapterKind;
import dev.tunesmith.contracts.method.DistillSettings;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodChoice;
import dev.tunesmith.contracts.method.MethodSettings;
import dev.tunesmith.contracts.method.TokenLoss;
import dev.tunesmith.contracts.mixture.DataPlan;
import dev.tunesmith.contracts.mixture.RowOrder;
import dev.tunesmith.contracts.optim.OptimizerKind;
import dev.tunesmith.contracts.optim.Setting;
import dev.tunesmith.contracts.problem.Fields;
import dev.tunesmith.contracts.problem.Fields.Range;
import dev.tunesmith.contracts.problem.NearestName;
import dev.tunesmith.contracts.problem.ProblemCode;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Checks the `x_training` object: every key by itself, then what does not go together.
final class TrainingRules {
    private static final int STEPS_MAX = 100_000_000;
    private static final double ROWS_MAX = 1e9;
    private static final int RANK_MAX = 4096;
    private static final int SEQ_LEN_MIN = 8;
    private static final int SEQ_LEN_MAX = 1 << 20;
    private static final int BATCH_MAX = 256;
    private static final Pattern MODULE = Pattern.compile("[A-Za-z0-9_.*]+");
    private static final List<String> MODULES =
            List.of(
                    AdapterSpec.Lora.ALL_LINEAR,
                    "q_proj",
                    "k_proj",
                    "v_proj",
                    "o_proj",
                    "gate_proj",
                    "up_proj",
                    "down_proj");
    private static final int BLOCK_MAX = 1024;
    private static final int VIRTUAL_MAX = 4096;

    /// Keys whose value may be `auto`: the resolver decides.
    private static final String[] AUTOMATIC = {
        "adapter",
        "rank",
        "alpha",
        "learning_rate",
        "batch_size",
        "micro_batch",
        "gradient_accumulation_steps",
        "gradient_checkpointing",
        "recompute",
        "max_seq_len",
        "packing",
        "save_steps",
        "eval_steps"
    };

    private final Fields fields;
    private final Method method;
    private final Hyperparameters numbers;
    private final OptimizerReader optimizerForm;
    private final TrainingOptions options;
    private final MethodChoice choice;
    private final @Nullable String clientJobId;
    private final boolean dryRun;

    TrainingRules(
            Fields given,
            Method method,
            Hyperparameters numbers,
            JobRules.MethodRules methods,
            Function<Fields, DataPlan> data) {
        this.fields = given.withoutAuto(AUTOMATIC);
        this.method = method;
        this.numbers = numbers;
        this.optimizerForm = new OptimizerReader(fields);
        this.options =
                new TrainingOptions(
                        adapter(),
                        rows(),
                        optimizer(),
                        cadence(),
                        compute(),
                        template(),
                        wishes(given.automatic(AUTOMATIC)),
                        data.apply(fields));
        this.choice = methods.read(fields);
        this.clientJobId = fields.text("client_job_id", 128);
        this.dryRun = Boolean.TRUE.equals(fields.bool("dry_run"));
        fields.rejectOthers(Aliases.OF);
        rejectContradictions();
    }

    TrainingOptions options() {
        return options;
    }

    MethodChoice choice() {
        return choice;
    }

    @Nullable String clientJobId() {
        return clientJobId;
    }

    boolean dryRun() {
        return dryRun;
    }

    private TrainingOptions.Adapter adapter() {
        var parts = new PartRules(fields);
        return new TrainingOptions.Adapter(
                fields.choice("adapter", List.of(AdapterKind.values()), AdapterKind::wire),
                fields.integer("rank", 1, RANK_MAX),
                fields.number("alpha", Range.above(0, 65_536)),
                fields.number("dropout", Range.below(0, 1)),
                targetModules(),
                fields.bool("use_rslora"),
                fields.choice(
                        "export", List.of(AdapterSpec.Export.values()), AdapterSpec.Export::wire),
                fields.choice("quantization", List.of(Quantization.values()), Quantization::wire),
                fields.bool("double_quantization"),
                new TrainingOptions.Sizes(
                        fields.integer("block_size", 2, BLOCK_MAX),
                        fields.integer("virtual_tokens", 1, VIRTUAL_MAX)),
                parts.part(),
                parts.refinements());
    }

    private @Nullable List<String> targetModules() {
        List<String> names = fields.texts("target_modules", 64, 128);
        if (names == null) {
            return null;
        }
        for (String name : names) {
            boolean known = MODULES.contains(name);
            String near = NearestName.of(name, MODULES).orElse("");
            if (!known && (!MODULE.matcher(name).matches() || !near.isEmpty())) {
                fields.problem(
                        ProblemCode.INVALID_VALUE,
                        "target_modules",
                        "\"%s\" is no module name%s"
                                .formatted(name, near.isEmpty() ? "" : ", did you mean " + near));
            }
        }
        return names;
    }

    private TrainingOptions.Wishes wishes(Set<String> automatic) {
        var care = new LinkedHashMap<>(OptimizerReader.given(fields, Care.SETTINGS));
        care.putAll(OptimizerReader.given(fields, Groups.SETTINGS));
        care.putAll(OptimizerReader.given(fields, Depth.SETTINGS));
        Preset preset = fields.choice("preset", List.of(Preset.values()), Preset::wire);
        return new TrainingOptions.Wishes(preset, care, automatic);
    }

    private @Nullable String template() {
        return fields.choice("template", List.copyOf(NamedTemplates.names()), name -> name);
    }

    private TrainingOptions.Rows rows() {
        return new TrainingOptions.Rows(
                fields.integer("max_seq_len", SEQ_LEN_MIN, SEQ_LEN_MAX),
                fields.bool("packing"),
                fields.choice("overflow", List.of(Overflow.values()), Overflow::wire),
                fields.bool("train_on_prompt"),
                heldOut(),
                fields.bool("shifted_attention"),
                fields.integer("attention_group", 2, SEQ_LEN_MAX));
    }

    /// A share below 1, or a number of rows.
    private @Nullable Double heldOut() {
        Double size = fields.number("val_size", Range.above(0, ROWS_MAX));
        if (size != null && size >= 1 && (size == 1 || size != Math.rint(size))) {
            fields.problem(
                    ProblemCode.INVALID_VALUE,
                    "val_size",
                    "expected a share above 0 and below 1, or a whole number of rows from 2, found %s"
                            .formatted(size));
            return null;
        }
        return size;
    }

    private TrainingOptions.Optimizer optimizer() {
        Range beta = Range.below(0, 1);
        return new TrainingOptions.Optimizer(
                fields.number("learning_rate", Range.above(0, 10)),
                new OptimizerReader.CurveReader(fields).read(),
                fields.number("warmup_ratio", Range.from(0, 1)),
                fields.integer("warmup_steps", 0, STEPS_MAX),
                fields.number("weight_decay", Range.from(0, 10)),
                fields.number("max_grad_norm", Range.from(0, 1_000_000)),
                new TrainingOptions.Adam(
                        fields.number("adam_beta1", beta),
                        fields.number("adam_beta2", beta),
                        fields.number("adam_epsilon", Range.above(0, 1))),
                optimizerForm.read());
    }

    private TrainingOptions.Cadence cadence() {
        return new TrainingOptions.Cadence(
                fields.integer("logging_steps", 1, STEPS_MAX),
                fields.integer("save_steps", 1, STEPS_MAX),
                fields.integer("eval_steps", 0, STEPS_MAX),
                fields.integer("max_steps", 1, STEPS_MAX));
    }

    private TrainingOptions.Compute compute() {
        return new TrainingOptions.Compute(
                fields.choice("precision", List.of(Precision.values()), Precision::wire),
                fields.integer("micro_batch", 1, BATCH_MAX),
                fields.integer("gradient_accumulation_steps", 1, BATCH_MAX),
                recompute());
    }

    /// `gradient_checkpointing` is the name that others have for all layers or none.
    private @Nullable Recompute recompute() {
        Recompute policy = fields.choice("recompute", List.of(Recompute.values()), Recompute::wire);
        Boolean all = fields.bool("gradient_checkpointing");
        reject(
                policy != null && all != null,
                "recompute",
                "cannot be combined with gradient_checkpointing; keep one of them");
        if (policy != null || all == null) {
            return policy;
        }
        return all ? Recompute.BLOCK : Recompute.NONE;
    }

    private void rejectContradictions() {
        rejectKeysOfOtherAdapters();
        rejectQuantization();
        TrainingOptions.Optimizer optimizer = options.optimizer();
        optimizerForm.rejectContradictions(optimizer, options.adapter().kind(), method);
        reject(
                optimizer.warmupRatio() != null && optimizer.warmupSteps() != null,
                "warmup_steps",
                "cannot be combined with warmup_ratio; keep one of them");
        reject(
                method == Method.PRETRAIN && fields.has("train_on_prompt"),
                "train_on_prompt",
                "has no meaning for method.type pretrain, which trains on all text");
        reject(
                Boolean.TRUE.equals(options.rows().trainOnPrompt())
                        && choice.settings() instanceof MethodSettings.Supervised supervised
                        && supervised.lastAnswerOnly(),
                "mask_history",
                "cannot be combined with train_on_prompt, which trains all turns");
        TrainingOptions.Form form = optimizer.form();
        reject(
                form != null
                        && form.kind() == OptimizerKind.BADAM
                        && choice.settings().needsScoreHead(),
                "optimizer",
                "badam trains layers only, and method.type %s a head beside them"
                        .formatted(method.wire()));
        switch (method.rowKind()) {
            case PAIR, PROMPT, JUDGED -> rejectForComparisons();
            case CONVERSATION, DOCUMENT -> {}
        }
        reject(
                choice.settings() instanceof DistillSettings own
                        && own.ownShare() > 0
                        && Boolean.TRUE.equals(options.rows().packing()),
                "packing",
                "puts several rows into one, and on_policy_share draws an answer to each of them,"
                        + " for which no room is planned; leave one of them out");
        reject(
                method == Method.KTO && Integer.valueOf(1).equals(numbers.batchSize()),
                "batch_size",
                "method.type kto compares answers of a batch with each other and needs at least 2");
        rejectBatches();
        rejectGroups();
        rejectDepth(Depth.of(options.wishes().care()));
        rejectCare(Care.of(options.wishes().care()));
        rejectOrders();
    }

    private void rejectCare(Care care) {
        TrainingOptions.Form form = options.optimizer().form();
        OptimizerKind kind = form == null ? OptimizerKind.ADAMW : form.kind();
        boolean average = care.average().on();
        reject(
                average && kind == OptimizerKind.SCHEDULE_FREE,
                "ema_decay",
                "schedule_free averages the weights itself");
        reject(
                average && kind == OptimizerKind.BADAM,
                "ema_decay",
                "badam holds one layer at a time, of which no average can be taken");
        for (String key : List.of("ema_start", "ema_evaluate", "ema_export")) {
            reject(fields.has(key) && !average, key, "needs an ema_decay above 0");
        }
        boolean lowers = care.guard().policy() == Care.Policy.LOWER;
        for (String key : List.of("guard_factor", "guard_steps")) {
            reject(fields.has(key) && !lowers, key, "needs loss_guard lower");
        }
        reject(
                fields.has("guard_window") && care.guard().threshold() == 0,
                "guard_window",
                "needs a guard_threshold above 0");
        reject(
                fields.has("early_stopping_min_delta") && !care.choice().listens(),
                "early_stopping_min_delta",
                "needs early_stopping_patience, load_best_at_end or keep_best");
        Groups groups = Groups.of(options.wishes().care());
        reject(
                kind == OptimizerKind.BADAM && !groups.equals(Groups.USUAL),
                "optimizer",
                "badam makes groups of its own; leave out %s"
                        .formatted(
                                String.join(
                                        ", ",
                                        Groups.SETTINGS.stream()
                                                .map(Setting::key)
                                                .filter(fields::has)
                                                .toList())));
        reject(
                kind == OptimizerKind.LOMO
                        && groups.gradientLimit() > 0
                        && form != null
                        && form.given().containsKey("clip_grad_value"),
                "max_grad_value",
                "says the same as optimizer.clip_grad_value; keep one of them");
    }

    private void rejectOrders() {
        RowOrder order = options.data().order();
        reject(
                order == RowOrder.GROUPED_BY_LENGTH
                        && Boolean.TRUE.equals(options.rows().packing()),
                "row_order",
                "packed rows have one length, so there is nothing to group by");
        reject(
                (order == RowOrder.BY_LENGTH
                                || order == RowOrder.BY_COLUMN
                                || (order == RowOrder.GIVEN && method != Method.PRETRAIN))
                        && Boolean.TRUE.equals(options.rows().packing()),
                "packing",
                "puts rows together by their room, so row_order %s cannot hold; leave one of them out"
                        .formatted(order.wire()));
    }

    private void rejectGroups() {
        boolean shifted = Boolean.TRUE.equals(options.rows().shiftedAttention());
        Integer group = options.rows().attentionGroup();
        reject(group != null && !shifted, "attention_group", "needs shifted_attention true");
        reject(group != null && group % 2 != 0, "attention_group", "must be even to have a half");
        reject(
                shifted && method != Method.SUPERVISED && method != Method.PRETRAIN,
                "shifted_attention",
                "trains long texts with method.type supervised or pretrain; %s would compare what"
                                .formatted(method.wire())
                        + " was seen with what was not");
        reject(
                shifted
                        && options.adapter().kind() != null
                        && options.adapter().kind().virtualTokens(),
                "shifted_attention",
                "hides learned tokens from all groups but the first; choose another adapter");
    }

    private void rejectDepth(Depth depth) {
        for (String key : List.of("depth_every", "depth_capacity")) {
            reject(
                    fields.has(key) && depth.start() != Depth.Start.CONVERT,
                    key,
                    "needs mixture_of_depths convert; a model that has routers brings its own");
        }
        if (!depth.on()) {
            reject(
                    fields.has("depth_loss_weight"),
                    "depth_loss_weight",
                    "needs mixture_of_depths convert or load");
            return;
        }
        String key = "mixture_of_depths";
        reject(
                method != Method.SUPERVISED && method != Method.PRETRAIN,
                key,
                "trains with method.type supervised or pretrain; %s compares texts whose tokens would pass other layers than when they are written"
                        .formatted(method.wire()));
        reject(
                choice.settings() instanceof MethodSettings.Supervised supervised
                        && supervised.loss() == TokenLoss.ASFT,
                key,
                "cannot be combined with loss_type asft, which compares with the model as it was");
        AdapterKind asked = options.adapter().kind();
        boolean pretrains = asked == null && method == Method.PRETRAIN;
        reject(
                depth.start() == Depth.Start.CONVERT && asked != AdapterKind.NONE && !pretrains,
                key,
                "convert gives the model new weights, which train with all others: needs adapter none");
        reject(
                asked != null && (asked.virtualTokens() || asked == AdapterKind.LLAMA_PRO),
                key,
                "layers that few tokens pass take no adapter %s; choose none or lora"
                        .formatted(asked == null ? "" : asked.wire()));
        reject(
                Boolean.TRUE.equals(options.rows().shiftedAttention()),
                "shifted_attention",
                "cannot be combined with mixture_of_depths, which leaves tokens out by itself");
    }

    private void rejectKeysOfOtherAdapters() {
        AdapterKind asked = options.adapter().kind();
        AdapterKind kind = asked == null ? AdapterKind.LORA : asked;
        for (String key : AdapterKind.KEYS) {
            boolean wrong = fields.has(key) && !kind.keys().contains(key);
            reject(
                    wrong,
                    key,
                    kind == AdapterKind.NONE
                            ? "needs adapter %s, found adapter none".formatted(takers(key))
                            : "is no setting of adapter %s; adapters with it: %s"
                                    .formatted(kind.wire(), takers(key)));
        }
        reject(
                kind.virtualTokens() && options.adapter().export() == AdapterSpec.Export.MERGED,
                "export",
                "learned tokens are no weights, so adapter %s cannot be merged"
                        .formatted(kind.wire()));
        reject(
                kind == AdapterKind.LOFTQ && options.adapter().quantization() == Quantization.NONE,
                "quantization",
                "adapter loftq needs nf4 or fp4, found none; or ask for adapter lora");
    }

    private static String takers(String key) {
        List<String> names =
                Arrays.stream(AdapterKind.values())
                        .filter(kind -> kind.keys().contains(key))
                        .map(AdapterKind::wire)
                        .toList();
        int last = names.size() - 1;
        return last == 0
                ? names.getFirst()
                : String.join(", ", names.subList(0, last)) + " or " + names.get(last);
    }

    private void rejectForComparisons() {
        String wire = method.wire();
        reject(
                Boolean.TRUE.equals(options.rows().packing()),
                "packing",
                "method.type %s batches its rows without padding already".formatted(wire));
        reject(
                Boolean.TRUE.equals(options.rows().trainOnPrompt()),
                "train_on_prompt",
                "method.type %s compares answers only".formatted(wire));
        Double dropout = options.adapter().dropout();
        reject(
                choice.settings().needsReference() && dropout != null && dropout > 0,
                "dropout",
                "method.type %s compares the same weights twice and needs 0".formatted(wire));
    }

    private void rejectQuantization() {
        TrainingOptions.Adapter adapter = options.adapter();
        reject(
                adapter.kind() == AdapterKind.QLORA && adapter.quantization() == Quantization.NONE,
                "quantization",
                "adapter qlora needs nf4 or fp4, found none; or ask for adapter lora");
        boolean plain =
                (adapter.kind() == null || !adapter.kind().weights())
                        && adapter.kind() != AdapterKind.QLORA
                        && adapter.kind() != AdapterKind.LOFTQ
                        && (adapter.kind() == null
                                || adapter.kind().keys().contains("quantization"))
                        && (adapter.quantization() == null
                                || adapter.quantization() == Quantization.NONE);
        reject(
                plain && adapter.doubleQuantization() != null,
                "double_quantization",
                "needs adapter qlora or quantization nf4 or fp4");
    }

    private void rejectBatches() {
        Integer batch = numbers.batchSize();
        Integer micro = options.compute().microBatch();
        Integer accumulation = options.compute().accumulation();
        if (batch != null && micro != null) {
            reject(
                    micro > batch,
                    "micro_batch",
                    "must not be larger than batch_size %d, found %d".formatted(batch, micro));
            reject(
                    accumulation != null && Math.ceilDiv(batch, micro) != accumulation,
                    "gradient_accumulation_steps",
                    "batch_size %d in batches of %d takes %d steps, found %s"
                            .formatted(batch, micro, Math.ceilDiv(batch, micro), accumulation));
        } else if (batch != null && accumulation != null) {
            reject(
                    accumulation > batch,
                    "gradient_accumulation_steps",
                    "must not be larger than batch_size %d, found %d"
                            .formatted(batch, accumulation));
        } else if (micro != null && accumulation != null) {
            reject(
                    (long) micro * accumulation > BATCH_MAX,
                    "gradient_accumulation_steps",
                    "micro_batch %d times %d is more than the largest batch_size %d"
                            .formatted(micro, accumulation, BATCH_MAX));
        }
    }

    private void reject(boolean wrong, String key, String message) {
        if (wrong) {
            fields.problem(ProblemCode.INVALID_VALUE, key, message);
        }
    }
}
