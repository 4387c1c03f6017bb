package dev.tunesmith.contracts.job;

import dev.tunesmith.contracts.care.Care;
import dev.tunesmith.contracts.id.FileId;
import dev.tunesmith.contracts.method.Grader;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodChoice;
import dev.tunesmith.contracts.method.ModelRole;
import dev.tunesmith.contracts.mixture.DataPlan;
import dev.tunesmith.contracts.mixture.DataRules;
import dev.tunesmith.contracts.mixture.Reading;
import dev.tunesmith.contracts.optim.Curve;
import dev.tunesmith.contracts.problem.Fields;
import dev.tunesmith.contracts.problem.NearestName;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.contracts.problem.Problems;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Checks the body of `POST /v1/fine_tuning/jobs` and reports everything that is wrong with it.
///
/// The same rules run in the command line, the console and the API.
public final class JobRules {
    private static final int NAME_MAX = 256;
    private static final int EPOCHS_MAX = 50;
    private static final int BATCH_MAX = 256;
    private static final int MODELS_SHOWN = 3;
    private static final double BETA_MAX = 10;
    private static final String[] AUTOMATIC = {
        "n_epochs",
        "batch_size",
        "learning_rate_multiplier",
        "beta",
        "compute_multiplier",
        "eval_interval",
        "eval_samples"
    };
    private static final String NO_SECRETS = "nothing: the platform is given keys when it starts";
    private static final Pattern SUFFIX = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]*");
    private static final Set<String> OF_THE_SERVER =
            Set.of(
                    "id",
                    "object",
                    "status",
                    "created_at",
                    "finished_at",
                    "fine_tuned_model",
                    "organization_id",
                    "tenant_id",
                    "result_files",
                    "trained_tokens",
                    "error",
                    "x_progress",
                    "x_lineage");

    private final Problems problems = new Problems();
    private final Lookup lookup;

    private JobRules(Lookup lookup) {
        this.lookup = lookup;
    }

    /// The outcome of a check.
    public sealed interface Checked {}

    /// The body is in order.
    ///
    /// @param dryRun plan and answer, store nothing
    public record Ok(JobSpec spec, boolean dryRun) implements Checked {}

    /// The body has these problems, never none.
    public record Bad(List<Problem> problems) implements Checked {
        public Bad {
            problems = List.copyOf(problems);
        }
    }

    /// Checks a body; all problems come back at once.
    ///
    /// @param tree the parsed JSON object
    public static Checked check(Map<String, Object> tree, Lookup lookup) {
        return new JobRules(lookup).checked(tree);
    }

    /// Reads a grader that stands alone; everything that is wrong with it is noted.
    public static Grader grader(Fields fields) {
        return MethodReader.grader(fields);
    }

    private Checked checked(Map<String, Object> tree) {
        Map<String, Object> body = new HashMap<>(tree);
        rejectServerFields(body);
        Fields fields = new Fields(MetadataKeys.lifted(body), "", problems);
        Integer version = fields.integer("spec_version", JobSpec.VERSION, JobSpec.VERSION);
        String model = model(fields);
        boolean mixed =
                fields.hasObject("x_training") && fields.object("x_training").hasList("data");
        FileId named = file(fields, "training_file", !mixed, mixed);
        Long seed = fields.longInteger("seed", 0, Integer.MAX_VALUE);
        MethodRules methods = new MethodRules(fields, problems);
        Method method = methods.method();
        Hyperparameters numbers = methods.hyperparameters();
        var trainingRules =
                new TrainingRules(
                        fields.object("x_training"),
                        method,
                        numbers,
                        methods,
                        given -> DataRules.read(given, problems, dataFiles()));
        TrainingOptions options = trainingRules.options();
        FileId validation = validation(fields, options.data());
        FileId training = training(named, options.data());
        JobSpec.Labels labels = labels(fields, trainingRules.clientJobId());
        JobSpec.Scheduling scheduling = scheduling(fields.object("x_scheduling"));
        if (validation != null && options.rows().validationShare() != null) {
            problems.add(
                    ProblemCode.INVALID_VALUE,
                    "x_training.val_size",
                    "cannot be combined with validation_file; keep one of them");
        }
        trainingRules.choice().settings().companions().forEach(this::requireReadable);
        Curve curve = options.optimizer().curve();
        boolean measured = validation != null || orZero(options.rows().validationShare()) > 0;
        if (curve != null && curve.kind() == Curve.Kind.REDUCE_ON_PLATEAU && !measured) {
            problems.add(
                    ProblemCode.INVALID_VALUE,
                    "x_training.scheduler",
                    "reduce_on_plateau listens to evaluations: give validation_file or val_size");
        }
        if (Care.of(options.wishes().care()).choice().listens() && !measured) {
            problems.add(
                    ProblemCode.INVALID_VALUE,
                    "x_training."
                            + Stream.of("load_best_at_end", "early_stopping_patience", "keep_best")
                                    .filter(options.wishes().care()::containsKey)
                                    .findFirst()
                                    .orElse("load_best_at_end"),
                    "listens to evaluations: give validation_file or val_size");
        }
        fields.rejectOthers(Map.of());
        if (!problems.none() || model == null || training == null) {
            return new Bad(problems.kept());
        }
        return new Ok(
                new JobSpec(
                        version == null ? JobSpec.VERSION : version,
                        JobKind.TRAIN,
                        method,
                        model,
                        training,
                        validation,
                        seed,
                        numbers,
                        trainingRules.choice(),
                        options,
                        labels,
                        scheduling),
                trainingRules.dryRun());
    }

    private DataRules.Files dataFiles() {
        return new DataRules.Files() {
            @Override
            public @Nullable FileId file(Fields fields, String key, boolean overruled) {
                return key.equals("dataset_info")
                        ? FileId.find(String.valueOf(fields.raw(key))).orElse(null)
                        : JobRules.this.file(fields, key, true, overruled);
            }

            @Override
            public Optional<FileId> named(String fileName) {
                return lookup.named(fileName);
            }

            @Override
            public Optional<Map<String, Object>> document(FileId file) {
                return lookup.document(file);
            }
        };
    }

    private @Nullable FileId validation(Fields fields, DataPlan data) {
        Reading reading = data.validation();
        return file(fields, "validation_file", false, reading != null && reading.overrules());
    }

    /// The first file that is trained on.
    private @Nullable FileId training(@Nullable FileId named, DataPlan data) {
        if (data.files().isEmpty()) {
            return named;
        }
        FileId first = data.files().getFirst().file();
        if (named != null && !named.equals(first)) {
            problems.add(
                    ProblemCode.INVALID_VALUE,
                    "training_file",
                    "is not the first file of x_training.data; leave it out");
        }
        return first;
    }

    private void requireReadable(ModelRole role, String name) {
        if (!lookup.readable(name)) {
            String key =
                    switch (role) {
                        case TEACHER -> "x_training.teacher";
                        case REFERENCE -> "x_training.reference";
                        case REWARD_MODEL, SCORE_MODEL -> "method.grader";
                    };
            List<String> near = NearestName.several(name, lookup.models(), MODELS_SHOWN);
            Problem problem =
                    Problem.of(
                            ProblemCode.MODEL_NOT_FOUND,
                            key,
                            role == ModelRole.REFERENCE
                                    ? "there is no model \"%s\"; start and base are the model in training, before it or without its adapter"
                                            .formatted(name)
                                    : "there is no model \"%s\"".formatted(name));
            problems.add(near.isEmpty() ? problem : problem.suggesting(String.join(" or ", near)));
        }
    }

    private static double orZero(@Nullable Double value) {
        return value == null ? 0 : value;
    }

    private void rejectServerFields(Map<String, Object> body) {
        for (String key : OF_THE_SERVER) {
            if (body.containsKey(key)) {
                body.remove(key);
                problems.add(ProblemCode.UNKNOWN_PARAMETER, key, "is set by the server only");
            }
        }
    }

    private @Nullable String model(Fields fields) {
        String name = required(fields, "model");
        if (name == null || lookup.models().contains(name)) {
            return name;
        }
        List<String> near = NearestName.several(name, lookup.models(), MODELS_SHOWN);
        Problem problem =
                Problem.of(
                        ProblemCode.MODEL_NOT_FOUND,
                        "model",
                        "there is no model \"%s\" that can be trained".formatted(name));
        problems.add(near.isEmpty() ? problem : problem.suggesting(String.join(" or ", near)));
        return null;
    }

    private @Nullable String required(Fields fields, String key) {
        String value = fields.text(key, NAME_MAX);
        if (value == null && !fields.has(key)) {
            fields.problem(ProblemCode.MISSING_REQUIRED_PARAMETER, key, "is required");
        }
        return value;
    }

    /// @param overruled whether its rows are read in another way than the upload's check did, or
    ///   looked at as the first file of the data
    private @Nullable FileId file(Fields fields, String key, boolean required, boolean overruled) {
        String text = required ? required(fields, key) : fields.text(key, NAME_MAX);
        if (text == null) {
            return null;
        }
        String param = fields.path(key);
        Optional<FileId> id = FileId.find(text);
        Lookup.FileState state = id.map(lookup::file).orElse(Lookup.FileState.MISSING);
        switch (state) {
            case READY, CHECKING -> {}
            case BROKEN -> {
                if (!overruled) {
                    problems.add(ProblemCode.INVALID_TRAINING_FILE, param, refused(key, text));
                }
            }
            case WRONG_PURPOSE ->
                    problems.add(
                            ProblemCode.INVALID_VALUE,
                            param,
                            "%s was not uploaded with purpose fine-tune".formatted(text));
            case MISSING ->
                    problems.add(ProblemCode.FILE_NOT_FOUND, param, "there is no file " + text);
        }
        return id.orElse(null);
    }

    private static String refused(String key, String file) {
        String place =
                key.equals("validation_file")
                        ? "x_training.validation_data {\"columns\": {…}}"
                        : "x_training.data [{\"file\": \"%s\", \"columns\": {…}}]".formatted(file);
        return "the rows of %s were refused; its status_details say why. If they have columns of their own, name them: %s"
                .formatted(file, place);
    }

    private JobSpec.Labels labels(Fields fields, @Nullable String clientJobId) {
        String suffix = fields.text("suffix", 64);
        if (suffix != null && !SUFFIX.matcher(suffix).matches()) {
            problems.add(
                    ProblemCode.INVALID_VALUE,
                    "suffix",
                    "expected letters, digits, '.', '_' and '-', beginning with a letter or digit, found \"%s\""
                            .formatted(suffix));
        }
        Map<String, String> metadata = fields.textMap("metadata", 16, 64, 512);
        MetadataKeys.rejectUnknown(metadata, problems);
        List<JobSpec.Integration> integrations =
                fields.objects("integrations", 5).stream().map(JobRules::integration).toList();
        return new JobSpec.Labels(suffix, metadata, clientJobId, integrations);
    }

    private static JobSpec.Integration integration(Fields fields) {
        JobSpec.Tracker asked =
                fields.choice("type", List.of(JobSpec.Tracker.values()), JobSpec.Tracker::wire);
        if (asked == null && !fields.has("type")) {
            fields.problem(ProblemCode.MISSING_REQUIRED_PARAMETER, "type", "is required");
        }
        JobSpec.Tracker type = asked == null ? JobSpec.Tracker.WANDB : asked;
        Fields settings = fields.object(type.wire());
        String project = settings.text("project", NAME_MAX);
        if (project == null && !settings.has("project")) {
            settings.problem(ProblemCode.MISSING_REQUIRED_PARAMETER, "project", "is required");
        }
        List<String> tags = settings.texts("tags", 50, 64);
        JobSpec.Integration integration =
                new JobSpec.Integration(
                        type,
                        project == null ? "" : project,
                        settings.text("name", NAME_MAX),
                        settings.text("entity", NAME_MAX),
                        tags == null ? List.of() : tags);
        settings.rejectOthers(Map.of("api_key", NO_SECRETS, "token", NO_SECRETS));
        fields.rejectOthers(Map.of());
        return integration;
    }

    private static JobSpec.Scheduling scheduling(Fields fields) {
        Integer priority = fields.integer("priority", -1000, 1000);
        String flavor = fields.text("flavor", 64);
        Boolean preemptible = fields.bool("preemptible");
        Long runtime = fields.longInteger("max_runtime_s", 1, 365L * 86_400);
        fields.rejectOthers(Map.of());
        JobSpec.Scheduling normal = JobSpec.Scheduling.NORMAL;
        return new JobSpec.Scheduling(
                priority == null ? normal.priority() : priority,
                flavor == null ? normal.flavor() : flavor,
                preemptible == null ? normal.preemptible() : preemptible,
                runtime);
    }

    /// `method` and the deprecated top-level `hyperparameters`.
    static final class MethodRules {
        private final Fields fields;
        private final Problems problems;
        private final Fields methodFields;
        private final Method method;
        private @Nullable Double beta;
        private Fields grader;
        private Fields own;

        private MethodRules(Fields fields, Problems problems) {
            this.fields = fields;
            this.problems = problems;
            this.methodFields = fields.object("method");
            Method asked = methodFields.choice("type", List.of(Method.values()), Method::wire);
            if (asked == null && fields.hasObject("method") && !methodFields.has("type")) {
                problems.add(ProblemCode.MISSING_REQUIRED_PARAMETER, "method.type", "is required");
            }
            this.method = asked == null ? Method.SUPERVISED : asked;
            this.grader = new Fields(Map.of(), "method.grader", new Problems());
            this.own = grader;
        }

        private Method method() {
            return method;
        }

        /// The choices of `x_training` that belong to the method.
        MethodChoice read(Fields training) {
            MethodChoice choice = new MethodReader(method, training).read(beta, grader, own);
            own.rejectOthers(Aliases.OF);
            return choice;
        }

        private void readGrader(Fields own) {
            if (method.rowKind() == Method.RowKind.PROMPT) {
                if (!own.has("grader")) {
                    own.problem(ProblemCode.MISSING_REQUIRED_PARAMETER, "grader", "is required");
                }
                grader = own.object("grader");
            }
        }

        private Hyperparameters hyperparameters() {
            Fields deprecated = fields.object("hyperparameters").withoutAuto(AUTOMATIC);
            Hyperparameters old = numbers(deprecated);
            deprecated.rejectOthers(Aliases.OF);
            Fields given = methodFields.object(method.wire());
            Fields asked = given.object("hyperparameters").withoutAuto(AUTOMATIC);
            Hyperparameters current = numbers(asked);
            if (method.defaults().hyperparameters().containsKey("beta")) {
                beta = asked.number("beta", Fields.Range.above(0, BETA_MAX));
            }
            this.own = asked;
            readGrader(given);
            given.rejectOthers(Map.of());
            for (Method other : Method.values()) {
                if (other != method && methodFields.has(other.wire())) {
                    methodFields.object(other.wire());
                    problems.add(
                            ProblemCode.INVALID_VALUE,
                            "method." + other.wire(),
                            "does not belong to method.type " + method.wire());
                }
            }
            methodFields.rejectOthers(Map.of());
            return new Hyperparameters(
                    current.nEpochs() != null ? current.nEpochs() : old.nEpochs(),
                    current.batchSize() != null ? current.batchSize() : old.batchSize(),
                    current.learningRateMultiplier() != null
                            ? current.learningRateMultiplier()
                            : old.learningRateMultiplier());
        }

        private static Hyperparameters numbers(Fields numbers) {
            return new Hyperparameters(
                    numbers.integer("n_epochs", 1, EPOCHS_MAX),
                    numbers.integer("batch_size", 1, BATCH_MAX),
                    numbers.number("learning_rate_multiplier", Fields.Range.above(0, 1000)));
        }
    }
}
