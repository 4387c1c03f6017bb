package dev.tunesmith.contracts.job;

import dev.tunesmith.contracts.grade.Formula;
import dev.tunesmith.contracts.grade.FormulaException;
import dev.tunesmith.contracts.grade.Likeness;
import dev.tunesmith.contracts.method.DistillSettings;
import dev.tunesmith.contracts.method.Divergence;
import dev.tunesmith.contracts.method.Grader;
import dev.tunesmith.contracts.method.GroupLoss;
import dev.tunesmith.contracts.method.GroupLoss.Kind;
import dev.tunesmith.contracts.method.GroupSettings;
import dev.tunesmith.contracts.method.GroupSettings.Advantage;
import dev.tunesmith.contracts.method.GroupSettings.Exam;
import dev.tunesmith.contracts.method.KlEstimator;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodChoice;
import dev.tunesmith.contracts.method.MethodSettings;
import dev.tunesmith.contracts.method.MethodSettings.Kto;
import dev.tunesmith.contracts.method.MethodSettings.Ppo;
import dev.tunesmith.contracts.method.MethodSettings.Preference;
import dev.tunesmith.contracts.method.MethodSettings.ReferenceFree;
import dev.tunesmith.contracts.method.MethodSettings.Supervised;
import dev.tunesmith.contracts.method.ModelRole;
import dev.tunesmith.contracts.method.PairLoss;
import dev.tunesmith.contracts.method.Reference;
import dev.tunesmith.contracts.method.TokenLoss;
import dev.tunesmith.contracts.problem.Fields;
import dev.tunesmith.contracts.problem.Fields.Range;
import dev.tunesmith.contracts.problem.NearestName;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.ProblemCode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Reads what a method has to be told: `beta` from its hyper-parameters, the rest from
/// `x_training`.
final class MethodReader {
    private static final int LOSSES_MAX = 8;
    private static final int NAME_MAX = 256;

    private final Method method;
    private final Fields fields;
    private final TreeSet<String> given = new TreeSet<>();

    MethodReader(Method method, Fields fields) {
        this.method = method;
        this.fields = fields;
    }

    /// @param beta the hyper-parameter, null if it was not given
    /// @param grader what scores answers; empty for methods without one
    /// @param own the method's hyper-parameters
    MethodChoice read(@Nullable Double beta, Fields grader, Fields own) {
        MethodSettings settings =
                switch (method) {
                    case PRETRAIN -> method.defaults();
                    case SUPERVISED -> supervised();
                    case PPO -> ppo(grader);
                    case GRPO, DR_GRPO, DAPO, GSPO, RLOO, REINFORCE_PLUS_PLUS, REINFORCEMENT ->
                            new GroupReader(this, fields).read(method, grader, own);
                    case DISTILL -> distill();
                    case KTO -> kto(noted("beta", beta, Kto.USUAL.beta()));
                    case ORPO, SIMPO, CPO -> referenceFree(beta);
                    case REWARD_MODEL ->
                            new MethodSettings.Reward(
                                    number("center_rewards_coefficient", Range.from(0, 100), 0));
                    case DPO -> preference(noted("beta", beta, Preference.BETA));
                };
        return new MethodChoice(settings, given);
    }

    /// A value, noted as given if it was.
    <T> T noted(String key, @Nullable T asked, T otherwise) {
        if (asked != null) {
            given.add(key);
        }
        return asked == null ? otherwise : asked;
    }

    private Supervised supervised() {
        Supervised usual = Supervised.USUAL;
        TokenLoss loss =
                noted(
                        "loss_type",
                        fields.choice("loss_type", List.of(TokenLoss.values()), TokenLoss::wire),
                        usual.loss());
        double smoothing = number("label_smoothing", Range.below(0, 1), usual.labelSmoothing());
        if (loss != TokenLoss.NLL && smoothing > 0) {
            fields.problem(
                    ProblemCode.INVALID_VALUE,
                    "label_smoothing",
                    "needs loss_type nll, found " + loss.wire());
        }
        if (loss != TokenLoss.ASFT && fields.has("asft_alpha")) {
            fields.problem(
                    ProblemCode.INVALID_VALUE,
                    "asft_alpha",
                    "needs loss_type asft, found " + loss.wire());
        }
        if (loss != TokenLoss.EAFT && fields.has("eaft_alpha")) {
            fields.problem(
                    ProblemCode.INVALID_VALUE,
                    "eaft_alpha",
                    "needs loss_type eaft, found " + loss.wire());
        }
        return new Supervised(
                loss,
                smoothing,
                number("eaft_alpha", Range.from(0, 10), usual.eaftAlpha()),
                number("neftune_noise_alpha", Range.from(0, 1000), usual.noise()),
                flag("mask_history"),
                number("asft_alpha", Range.from(0, 100), usual.asftAlpha()),
                reference(loss == TokenLoss.ASFT, "loss_type asft"));
    }

    /// What the policy is compared with.
    ///
    /// @param compared whether it is compared with anything
    /// @param missing what would make it so
    Reference reference(boolean compared, String missing) {
        if (!compared && fields.has("reference")) {
            fields.problem(
                    ProblemCode.INVALID_VALUE,
                    "reference",
                    "nothing is compared with it; needs " + missing);
        }
        String name = fields.text("reference", NAME_MAX);
        return noted("reference", name == null ? null : Reference.of(name), Reference.START);
    }

    private DistillSettings distill() {
        DistillSettings usual = DistillSettings.USUAL;
        String teacher = fields.text("teacher", NAME_MAX);
        if (teacher == null && !fields.has("teacher")) {
            fields.problem(ProblemCode.MISSING_REQUIRED_PARAMETER, "teacher", "is required");
        }
        double ownShare = number("on_policy_share", Range.from(0, 1), usual.ownShare());
        for (String key : List.of("max_completion_length", "temperature", "top_p", "top_k")) {
            if (ownShare == 0 && fields.has(key)) {
                fields.problem(
                        ProblemCode.INVALID_VALUE,
                        key,
                        "needs an on_policy_share above 0: the student draws no answers");
            }
        }
        return new DistillSettings(
                noted("teacher", teacher, ""),
                number("distill_alpha", Range.from(0, 1), usual.alpha()),
                number("distill_beta", Range.from(0, 1), usual.beta()),
                number("distill_temperature", Range.above(0, 100), usual.softening()),
                ownShare,
                rollout(usual.rollout()));
    }

    /// How answers are drawn.
    Ppo.Rollout rollout(Ppo.Rollout usual) {
        return new Ppo.Rollout(
                whole("max_completion_length", 1, 1 << 16, usual.tokensMax()),
                number("temperature", Range.above(0, 2), usual.temperature()),
                number("top_p", Range.above(0, 1), usual.topP()),
                whole("top_k", 0, 1 << 20, usual.topK()));
    }

    /// What scores answers.
    static Grader grader(Fields fields) {
        return new GraderReader(fields).read();
    }

    private Preference preference(double beta) {
        Preference usual = Preference.dpo(beta);
        List<PairLoss> losses =
                noted(
                        "loss_type",
                        fields.choices(
                                "loss_type",
                                LOSSES_MAX,
                                List.of(PairLoss.values()),
                                PairLoss::wire),
                        usual.losses());
        List<Double> weights =
                noted(
                        "loss_weights",
                        fields.numbers("loss_weights", LOSSES_MAX, Range.from(0, 1000)),
                        Collections.nCopies(losses.size(), 1.0));
        if (weights.size() != losses.size()) {
            fields.problem(
                    ProblemCode.INVALID_VALUE,
                    "loss_weights",
                    "%d losses need as many weights, found %d"
                            .formatted(losses.size(), weights.size()));
            weights = Collections.nCopies(losses.size(), 1.0);
        }
        double smoothing = number("label_smoothing", Range.below(0, 0.5), 0);
        Divergence divergence =
                noted(
                        "f_divergence_type",
                        fields.choice(
                                "f_divergence_type",
                                List.of(Divergence.values()),
                                Divergence::wire),
                        usual.divergence());
        refuseIgnored(losses, smoothing, divergence);
        boolean free = flag("reference_free");
        boolean compared = !free && losses.stream().anyMatch(PairLoss::needsReference);
        return new Preference(
                beta,
                losses,
                weights,
                losses.contains(PairLoss.EXO_PAIR)
                        ? Math.max(smoothing, Preference.EXO_SMOOTHING_MIN)
                        : smoothing,
                divergence,
                number("f_alpha_divergence_coef", Range.below(0, 1), usual.alpha()),
                number("discopop_tau", Range.above(0, 1000), usual.tau()),
                optional("ld_alpha", Range.from(0, 1)),
                flag("use_weighting"),
                free,
                reference(compared, "reference_free false and a loss_type with a reference"));
    }

    /// What no loss would look at.
    private void refuseIgnored(List<PairLoss> losses, double smoothing, Divergence divergence) {
        String names = losses.stream().map(PairLoss::wire).collect(Collectors.joining(", "));
        if (smoothing > 0 && losses.stream().noneMatch(PairLoss::takesSmoothing)) {
            fields.problem(
                    ProblemCode.INVALID_VALUE,
                    "label_smoothing",
                    "changes nothing with loss_type " + names);
        }
        if (divergence != Divergence.REVERSE_KL
                && !losses.stream().allMatch(PairLoss::takesDivergence)) {
            fields.problem(
                    ProblemCode.INVALID_VALUE,
                    "f_divergence_type",
                    "needs losses that it changes, such as sigmoid, hinge or ipo; found " + names);
        }
    }

    private ReferenceFree referenceFree(@Nullable Double asked) {
        ReferenceFree usual = ReferenceFree.usual(method);
        double beta = noted("beta", asked, usual.beta());
        if (method == Method.ORPO) {
            ReferenceFree.Nll nll =
                    fields.choice(
                            "orpo_nll",
                            List.of(ReferenceFree.Nll.values()),
                            value -> value.name().toLowerCase(Locale.ROOT));
            return new ReferenceFree(
                    method, usual.loss(), beta, 0, 1, noted("orpo_nll", nll, usual.nll()), 0, 0);
        }
        ReferenceFree.Loss loss = usual.loss();
        if (method == Method.CPO) {
            loss =
                    noted(
                            "loss_type",
                            fields.choice(
                                    "loss_type",
                                    List.of(
                                            ReferenceFree.Loss.SIGMOID,
                                            ReferenceFree.Loss.HINGE,
                                            ReferenceFree.Loss.IPO),
                                    value -> value.name().toLowerCase(Locale.ROOT)),
                            loss);
        }
        double gamma =
                method == Method.SIMPO
                        ? number("simpo_gamma", Range.from(0, 100), usual.gamma())
                        : 0;
        double smoothing = number("label_smoothing", Range.below(0, 0.5), 0);
        if (smoothing > 0 && (loss == ReferenceFree.Loss.HINGE || loss == ReferenceFree.Loss.IPO)) {
            fields.problem(
                    ProblemCode.INVALID_VALUE,
                    "label_smoothing",
                    "changes nothing with loss_type " + loss.name().toLowerCase(Locale.ROOT));
        }
        return new ReferenceFree(
                method,
                loss,
                beta,
                smoothing,
                number("cpo_alpha", Range.from(0, 100), usual.nllWeight()),
                usual.nll(),
                gamma,
                method == Method.SIMPO ? number("alphapo_alpha", Range.from(-10, 10), 0) : 0);
    }

    private Kto kto(double beta) {
        Range weight = Range.from(0, 1000);
        return new Kto(
                noted(
                        "loss_type",
                        fields.choice(
                                "loss_type", List.of(Kto.Variant.values()), Kto.Variant::wire),
                        Kto.USUAL.variant()),
                beta,
                number("desirable_weight", weight, Kto.USUAL.desirableWeight()),
                number("undesirable_weight", weight, Kto.USUAL.undesirableWeight()),
                reference(true, ""));
    }

    private Ppo ppo(Fields grader) {
        Ppo usual = Ppo.usual(new GraderReader(grader).read());
        Ppo.Rollout rollout = rollout(usual.rollout());
        Ppo.Distance distance = usual.distance();
        KlEstimator estimator =
                fields.choice("kl_estimator", List.of(KlEstimator.values()), KlEstimator::wire);
        Ppo.Credit credit = usual.credit();
        Ppo.Update update = usual.update();
        return new Ppo(
                rollout,
                new Ppo.Distance(
                        noted("kl_estimator", estimator, distance.estimator()),
                        number("kl_coef", Range.from(0, 100), distance.coefficient()),
                        optional("kl_target", Range.above(0, 1e6)),
                        number("kl_horizon", Range.above(0, 1e9), distance.horizon())),
                new Ppo.Credit(
                        number("gamma", Range.from(0, 1), credit.gamma()),
                        number("lam", Range.from(0, 1), credit.lambda()),
                        flag("whiten_rewards"),
                        number("missing_eos_penalty", Range.from(0, 1e6), 0),
                        flag("score_norm")),
                new Ppo.Update(
                        whole("ppo_epochs", 1, 100, update.epochs()),
                        whole("num_mini_batches", 1, 256, update.miniBatches()),
                        number("cliprange", Range.above(0, 100), update.clip()),
                        number("cliprange_value", Range.above(0, 1e6), update.valueClip()),
                        number("vf_coef", Range.from(0, 100), update.valueCoefficient()),
                        number("entropy_coef", Range.from(0, 100), update.entropyCoefficient())),
                usual.grader(),
                reference(true, ""));
    }

    int whole(String key, int min, int max, int otherwise) {
        return noted(key, fields.integer(key, min, max), otherwise);
    }

    double number(String key, Range range, double otherwise) {
        return noted(key, fields.number(key, range), otherwise);
    }

    @Nullable Double optional(String key, Range range) {
        Double value = fields.number(key, range);
        if (value != null) {
            given.add(key);
        }
        return value;
    }

    boolean flag(String key) {
        return noted(key, fields.bool(key), false);
    }

    /// Reads a grader in OpenAI's shape; `regex`, `reward_model` and the `weights` of `multi` are
    /// ours.
    private static final class GraderReader {
        private static final int TEXT_MAX = 10_000;
        private static final int LINES_MAX = 64;
        private static final int TOKENS_MAX = 4096;
        private static final int DEPTH_MAX = 4;
        private static final Map<String, String> ELSEWHERE =
                Map.of(
                        "python",
                        "runs code, for which this platform has no sandbox; string_check, regex,"
                                + " text_similarity and a formula in multi's calculate_output need"
                                + " none",
                        "label_model",
                        "is for evals only; score_model gives a number");

        private final Fields fields;

        GraderReader(Fields fields) {
            this.fields = fields;
        }

        Grader read() {
            Grader grader = read(fields, 1);
            for (ModelRole role : ModelRole.values()) {
                List<String> models =
                        grader.models()
                                .filter(part -> ModelRole.of(part) == role)
                                .map(Grader.ByModel::model)
                                .distinct()
                                .toList();
                if (models.size() > 1) {
                    fields.problem(
                            ProblemCode.INVALID_VALUE,
                            "graders",
                            "parts of type %s ask one model, found %s"
                                    .formatted(role.wire(), String.join(" and ", models)));
                }
            }
            return grader;
        }

        private static Grader read(Fields fields, int depth) {
            String elsewhere = ELSEWHERE.get(fields.quietly("type"));
            if (elsewhere != null) {
                fields.problem(ProblemCode.INVALID_VALUE, "type", elsewhere);
                return Grader.StringCheck.ANSWER_IS_REFERENCE;
            }
            List<String> types =
                    List.of(
                            "string_check",
                            "text_similarity",
                            "score_model",
                            "multi",
                            "regex",
                            "reward_model");
            String type = fields.choice("type", types, name -> name);
            String name = fields.text("name", 256);
            if (type == null) {
                if (!fields.has("type")) {
                    fields.problem(ProblemCode.MISSING_REQUIRED_PARAMETER, "type", "is required");
                }
                return Grader.StringCheck.ANSWER_IS_REFERENCE;
            }
            Grader grader =
                    switch (type) {
                        case "string_check" -> check(fields);
                        case "text_similarity" -> similarity(fields);
                        case "score_model" -> asked(fields);
                        case "regex" -> regex(fields);
                        case "reward_model" -> new Grader.Scored(required(fields, "model"));
                        default -> multi(fields, depth);
                    };
            fields.rejectOthers(Map.of());
            return name == null ? grader : new Grader.Named(name, grader);
        }

        private static Grader asked(Fields fields) {
            List<Grader.Asked.Line> lines = new ArrayList<>();
            for (Fields line : fields.objects("input", LINES_MAX)) {
                String role = required(line, "role");
                String type = line.text("type", 32);
                if (type != null && !type.equals("message")) {
                    line.problem(ProblemCode.INVALID_VALUE, "type", "expected \"message\"");
                }
                lines.add(new Grader.Asked.Line(role, content(line)));
                line.rejectOthers(Map.of());
            }
            if (lines.isEmpty()) {
                fields.problem(
                        ProblemCode.MISSING_REQUIRED_PARAMETER,
                        "input",
                        "expected the messages that ask the model");
            }
            List<Double> range = fields.numbers("range", 2, Range.from(-1e6, 1e6));
            if (range != null && (range.size() != 2 || range.get(0) >= range.get(1))) {
                fields.problem(
                        ProblemCode.INVALID_VALUE,
                        "range",
                        "expected the lowest and the highest score, found " + range);
                range = null;
            }
            return new Grader.Asked(
                    required(fields, "model"),
                    lines,
                    sampling(fields.object("sampling_params")),
                    range == null ? 0 : range.get(0),
                    range == null ? 1 : range.get(1));
        }

        /// A text, a part with a text, or a list of such parts.
        private static String content(Fields line) {
            if (line.hasObject("content")) {
                return part(line.object("content"));
            }
            if (line.hasList("content")) {
                return line.objects("content", LINES_MAX).stream()
                        .map(GraderReader::part)
                        .collect(Collectors.joining());
            }
            return required(line, "content");
        }

        private static String part(Fields part) {
            String _ = part.choice("type", List.of("input_text", "output_text", "text"), t -> t);
            String text = required(part, "text");
            part.rejectOthers(Map.of());
            return text;
        }

        private static Grader.Asked.Sampling sampling(Fields fields) {
            Grader.Asked.Sampling usual = Grader.Asked.Sampling.USUAL;
            Integer tokens = fields.integer("max_completions_tokens", 1, TOKENS_MAX);
            Double temperature = fields.number("temperature", Range.from(0, 2));
            Double topP = fields.number("top_p", Range.above(0, 1));
            Long seed = fields.longInteger("seed", 0, Integer.MAX_VALUE);
            fields.rejectOthers(Map.of("max_tokens", "max_completions_tokens"));
            return new Grader.Asked.Sampling(
                    tokens == null ? usual.tokensMax() : tokens,
                    temperature == null ? usual.temperature() : temperature,
                    topP == null ? usual.topP() : topP,
                    seed == null ? usual.seed() : seed);
        }

        private static Grader check(Fields fields) {
            Grader.StringCheck.Operation operation =
                    fields.choice(
                            "operation",
                            List.of(Grader.StringCheck.Operation.values()),
                            value -> value.name().toLowerCase(Locale.ROOT));
            return new Grader.StringCheck(
                    required(fields, "input"),
                    required(fields, "reference"),
                    operation == null ? Grader.StringCheck.Operation.EQ : operation);
        }

        private static Grader similarity(Fields fields) {
            if ("cosine".equals(fields.quietly("evaluation_metric"))) {
                fields.problem(
                        ProblemCode.INVALID_VALUE,
                        "evaluation_metric",
                        "cosine needs a model of embeddings, and this platform serves none;"
                                + " nearest in meaning is a score_model, in words meteor");
                return Grader.StringCheck.ANSWER_IS_REFERENCE;
            }
            Likeness metric =
                    fields.choice("evaluation_metric", List.of(Likeness.values()), Likeness::wire);
            return new Grader.Similarity(
                    required(fields, "input"),
                    required(fields, "reference"),
                    metric == null ? Likeness.FUZZY_MATCH : metric);
        }

        private static Grader regex(Fields fields) {
            String input = fields.text("input", TEXT_MAX);
            String pattern = required(fields, "pattern");
            try {
                return new Grader.Regex(input == null ? "{{sample.output_text}}" : input, pattern);
            } catch (IllegalArgumentException e) {
                fields.problem(
                        ProblemCode.INVALID_VALUE, "pattern", String.valueOf(e.getMessage()));
                return Grader.StringCheck.ANSWER_IS_REFERENCE;
            }
        }

        private static Grader multi(Fields fields, int depth) {
            Map<String, Grader> graders = new LinkedHashMap<>();
            Map<String, Double> weights = new LinkedHashMap<>();
            Fields parts = fields.object("graders");
            Fields factors = fields.object("weights");
            if (depth == DEPTH_MAX || parts.keys().isEmpty()) {
                fields.problem(
                        ProblemCode.INVALID_VALUE,
                        "graders",
                        "expected graders by name, at most %d levels deep".formatted(DEPTH_MAX));
                return Grader.StringCheck.ANSWER_IS_REFERENCE;
            }
            for (String name : parts.keys()) {
                graders.put(name, read(parts.object(name), depth + 1));
                Double weight = factors.number(name, Range.from(-1e6, 1e6));
                weights.put(name, weight == null ? 1.0 : weight);
            }
            factors.rejectOthers(Map.of());
            return new Grader.Multi(graders, weights, formula(fields, graders.keySet()));
        }

        /// `calculate_output`, whose names are those of the parts.
        private static @Nullable Formula formula(Fields fields, Set<String> names) {
            String text = fields.text("calculate_output", TEXT_MAX);
            if (text == null) {
                return null;
            }
            if (fields.has("weights")) {
                fields.problem(
                        ProblemCode.INVALID_VALUE,
                        "weights",
                        "cannot be combined with calculate_output; write the factors there");
            }
            try {
                Formula formula = Formula.of(text);
                for (String name : formula.names()) {
                    if (!names.contains(name)) {
                        Problem problem =
                                Problem.of(
                                        ProblemCode.INVALID_VALUE,
                                        fields.path("calculate_output"),
                                        "there is no grader \"%s\"".formatted(name));
                        fields.problem(
                                NearestName.of(name, names)
                                        .map(problem::suggesting)
                                        .orElse(problem));
                    }
                }
                return formula;
            } catch (FormulaException e) {
                fields.problem(
                        ProblemCode.INVALID_VALUE,
                        "calculate_output",
                        String.valueOf(e.getMessage()));
                return null;
            }
        }

        private static String required(Fields fields, String key) {
            String text = fields.text(key, TEXT_MAX);
            if (text == null && !fields.has(key)) {
                fields.problem(ProblemCode.MISSING_REQUIRED_PARAMETER, key, "is required");
            }
            return text == null ? "" : text;
        }
    }

    /// Reads the settings of GRPO and its relatives, under the keys of TRL.
    private static final class GroupReader {
        private static final int ANSWERS_MAX = 256;

        private final MethodReader reader;
        private final Fields fields;

        GroupReader(MethodReader reader, Fields fields) {
            this.reader = reader;
            this.fields = fields;
        }

        GroupSettings read(Method method, Fields grader, Fields own) {
            Grader judge = MethodReader.grader(grader);
            GroupSettings usual = GroupSettings.usual(method, judge);
            Exam exam = method == Method.REINFORCEMENT ? exam(own) : Exam.USUAL;
            int wanted = Math.clamp(Math.round(usual.answers() * exam.compute()), 2, ANSWERS_MAX);
            int answers =
                    reader.whole(
                            "num_generations",
                            1,
                            ANSWERS_MAX,
                            method == Method.REINFORCEMENT ? wanted : usual.answers());
            if (answers < 2 && usual.rewarding().advantage() != Advantage.WHITENED) {
                fields.problem(
                        ProblemCode.INVALID_VALUE,
                        "num_generations",
                        "method.type %s compares answers to a prompt and needs at least 2"
                                .formatted(method.wire()));
            }
            GroupLoss loss = loss(method, usual.loss());
            GroupSettings.Rewarding rewarding = rewarding(method, judge, usual.rewarding());
            return new GroupSettings(
                    method,
                    answers,
                    reader.rollout(usual.rollout()),
                    loss,
                    rewarding,
                    new GroupSettings.Updates(
                            reader.whole("num_iterations", 1, 100, 1),
                            reader.whole("num_mini_batches", 1, 256, 1)),
                    exam,
                    judge,
                    reader.reference(
                            loss.price().coefficient() > 0 || rewarding.distance() > 0,
                            "a kl_coef above 0"));
        }

        /// The hyper-parameters that only OpenAI's method has.
        private Exam exam(Fields own) {
            String effort =
                    own.choice(
                            "reasoning_effort",
                            List.of("default", "low", "medium", "high"),
                            name -> name);
            if (effort != null && !effort.equals("default")) {
                own.problem(
                        ProblemCode.INVALID_VALUE,
                        "reasoning_effort",
                        "models here have no reasoning effort; use \"default\" and set"
                                + " x_training.max_completion_length");
            }
            Double compute = own.number("compute_multiplier", Range.from(1e-5, 10));
            Integer samples = own.integer("eval_samples", 1, 1_000_000);
            Integer interval = own.integer("eval_interval", 1, 100_000_000);
            reader.noted("compute_multiplier", compute, 1.0);
            reader.noted("eval_samples", samples, 0);
            reader.noted("eval_interval", interval, 0);
            return new Exam(
                    samples == null ? 0 : samples,
                    interval == null ? 0 : interval,
                    compute == null ? 1 : compute);
        }

        private GroupLoss loss(Method method, GroupLoss usual) {
            List<Kind> kinds =
                    method == Method.RLOO
                            ? List.of(Kind.RLOO)
                            : Arrays.stream(Kind.values())
                                    .filter(kind -> kind != Kind.RLOO)
                                    .toList();
            Kind kind =
                    reader.noted(
                            "loss_type",
                            fields.choice(
                                    "loss_type",
                                    kinds,
                                    value -> value.name().toLowerCase(Locale.ROOT)),
                            usual.kind());
            String level =
                    reader.noted(
                            "importance_sampling_level",
                            fields.choice(
                                    "importance_sampling_level",
                                    List.of("token", "sequence"),
                                    name -> name),
                            usual.perSequence() || kind == Kind.LUSPO ? "sequence" : "token");
            double low = reader.number("epsilon", Range.above(0, 100), usual.clip().low());
            boolean both = fields.has("epsilon") && !fields.has("epsilon_high");
            double high =
                    reader.number(
                            "epsilon_high", Range.above(0, 1000), both ? low : usual.clip().high());
            double distance =
                    GroupSettings.pricesRewards(method)
                            ? 0
                            : reader.number(
                                    "kl_coef", Range.from(0, 100), usual.price().coefficient());
            if (distance == 0 && fields.has("use_bias_correction_kl")) {
                fields.problem(
                        ProblemCode.INVALID_VALUE,
                        "use_bias_correction_kl",
                        GroupSettings.pricesRewards(method)
                                ? "method.type %s prices the distance in the reward, not in the loss"
                                        .formatted(method.wire())
                                : "needs a kl_coef above 0");
            }
            return new GroupLoss(
                    kind,
                    level.equals("sequence"),
                    new GroupLoss.Clip(low, high, reader.optional("delta", Range.above(1, 1000))),
                    new GroupLoss.Price(distance, reader.flag("use_bias_correction_kl")),
                    new GroupLoss.Entropy(
                            reader.number("entropy_coef", Range.from(0, 100), 0),
                            reader.number("top_entropy_quantile", Range.above(0, 1), 1),
                            reader.optional("off_policy_mask_threshold", Range.above(0, 1000))));
        }

        private GroupSettings.Rewarding rewarding(
                Method method, Grader judge, GroupSettings.Rewarding usual) {
            boolean scaled = usual.advantage().hasName();
            @Nullable Advantage asked =
                    scaled
                            ? fields.choice(
                                    "scale_rewards",
                                    List.of(Advantage.GROUP, Advantage.BATCH, Advantage.NONE),
                                    Advantage::wire)
                            : null;
            String order =
                    reader.noted(
                            "multi_objective_aggregation",
                            fields.choice(
                                    "multi_objective_aggregation",
                                    List.of("sum_then_normalize", "normalize_then_sum"),
                                    name -> name),
                            "sum_then_normalize");
            boolean formula =
                    judge.bare() instanceof Grader.Multi multi && multi.calculateOutput() != null;
            if (formula && order.equals("normalize_then_sum")) {
                fields.problem(
                        ProblemCode.INVALID_VALUE,
                        "multi_objective_aggregation",
                        "normalize_then_sum adds up parts, and the grader has a calculate_output;"
                                + " give it weights instead");
            }
            double distance =
                    GroupSettings.pricesRewards(method)
                            ? reader.number("kl_coef", Range.from(0, 100), usual.distance())
                            : 0;
            return new GroupSettings.Rewarding(
                    scaled
                            ? reader.noted("scale_rewards", asked, usual.advantage())
                            : usual.advantage(),
                    order.equals("normalize_then_sum"),
                    distance,
                    reader.flag("mask_truncated_completions"));
        }
    }
}
