package dev.tunesmith.scheduler.queue;

import dev.tunesmith.contracts.data.DatasetStats;
import dev.tunesmith.contracts.event.Manifest;
import dev.tunesmith.contracts.event.ModelSource;
import dev.tunesmith.contracts.event.ObjectRef;
import dev.tunesmith.contracts.event.Report;
import dev.tunesmith.contracts.event.ValidateTask;
import dev.tunesmith.contracts.fit.MemoryPlan;
import dev.tunesmith.contracts.fit.ModelFacts;
import dev.tunesmith.contracts.id.FileId;
import dev.tunesmith.contracts.id.Ids;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.id.TaskId;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.ErrorCode;
import dev.tunesmith.contracts.job.JobSpec;
import dev.tunesmith.contracts.job.JobState;
import dev.tunesmith.contracts.job.ModelFit;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.job.Resolver;
import dev.tunesmith.contracts.job.TrainingOptions;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodSettings;
import dev.tunesmith.contracts.method.ModelRole;
import dev.tunesmith.contracts.mixture.TrainedTurns;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.contracts.survey.DataSurvey;
import dev.tunesmith.contracts.survey.Price;
import dev.tunesmith.contracts.survey.RunEstimate;
import dev.tunesmith.contracts.survey.SurveyText;
import dev.tunesmith.contracts.survey.SurveyedFile;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.sql.Database;
import dev.tunesmith.platform.sql.Inbox;
import dev.tunesmith.scheduler.journal.Journal;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Before a job may queue: a trainer host reads its data, then everything that the spec leaves open
/// is decided and the memory is planned. [#run] sends what is due; the answer is the verdict.
public final class Validations implements Runnable {
    static final String ACTOR = "scheduler/validation";
    static final String CONSUMER = "scheduler.validated";

    private static final Logger log = LoggerFactory.getLogger(Validations.class);

    private final Database database;
    private final Clock clock;
    private final Duration resend;
    private final Duration hostFresh;
    private final Ids ids;
    private final Optional<Price> price;

    /// @param resend after how long without an answer a task is sent again
    /// @param hostFresh after how long without a beat a host's memory no longer counts
    /// @param price what tenants without a price of their own pay for trained tokens
    public Validations(
            Database database,
            Clock clock,
            Duration resend,
            Duration hostFresh,
            Ids ids,
            Optional<Price> price) {
        this.database = database;
        this.clock = clock;
        this.resend = resend;
        this.hostFresh = hostFresh;
        this.ids = ids;
        this.price = price;
    }

    @Override
    public void run() {
        database.useTransaction(ACTOR, this::sendDue);
    }

    private void sendDue(Handle handle) {
        Jobs jobs = new Jobs(handle);
        for (Jobs.Unchecked job : jobs.unchecked(resend)) {
            Optional<ModelSource> base = jobs.model(job.tenant(), job.spec().model());
            Optional<ObjectRef> training = jobs.file(job.tenant(), job.spec().trainingFile());
            Optional<ObjectRef> validation =
                    Optional.ofNullable(job.spec().validationFile())
                            .flatMap(file -> jobs.file(job.tenant(), file));
            List<Optional<ObjectRef>> others = others(jobs, job);
            Optional<Refusal> missing =
                    missing(job.spec(), base, training, validation)
                            .or(() -> missingOther(job.spec(), others));
            if (missing.isPresent()) {
                refuse(handle, job.job(), missing.get());
            } else {
                Inputs inputs =
                        new Inputs(
                                base.orElseThrow(),
                                training.orElseThrow(),
                                validation,
                                others.stream().map(Optional::orElseThrow).toList());
                send(handle, job, inputs);
            }
        }
    }

    /// What a job reads, found.
    private record Inputs(
            ModelSource base,
            ObjectRef training,
            Optional<ObjectRef> validation,
            List<ObjectRef> others) {}

    /// The training files after the first.
    private static List<Optional<ObjectRef>> others(Jobs jobs, Jobs.Unchecked job) {
        return job.spec().training().data().files().stream()
                .skip(1)
                .map(file -> jobs.file(job.tenant(), file.file()))
                .toList();
    }

    private static Optional<Refusal> missingOther(JobSpec spec, List<Optional<ObjectRef>> others) {
        for (int i = 0; i < others.size(); i++) {
            if (others.get(i).isEmpty()) {
                FileId file = spec.training().data().files().get(i + 1).file();
                return Optional.of(gone(file, "x_training.data.%d.file".formatted(i + 1)));
            }
        }
        return Optional.empty();
    }

    private static Optional<Refusal> missing(
            JobSpec spec,
            Optional<ModelSource> base,
            Optional<ObjectRef> training,
            Optional<ObjectRef> validation) {
        if (base.isEmpty()) {
            return Optional.of(
                    new Refusal(
                            ErrorCode.BASE_MODEL_UNAVAILABLE,
                            "the base model " + spec.model() + " does not exist any more",
                            "model"));
        }
        if (training.isEmpty()) {
            return Optional.of(gone(spec.trainingFile(), "training_file"));
        }
        FileId file = spec.validationFile();
        return file != null && validation.isEmpty()
                ? Optional.of(gone(file, "validation_file"))
                : Optional.empty();
    }

    private static Refusal gone(FileId file, String param) {
        return new Refusal(
                ErrorCode.INVALID_TRAINING_DATA, file.wire() + " was deleted meanwhile", param);
    }

    private void send(Handle handle, Jobs.Unchecked job, Inputs inputs) {
        boolean first = job.open() == null;
        TrainingOptions.Rows rows = job.spec().training().rows();
        ValidateTask.Limits usual = ValidateTask.Limits.USUAL;
        ValidateTask task =
                new ValidateTask(
                        job.open() == null ? new TaskId(UUID.randomUUID()) : job.open(),
                        job.tenant(),
                        job.job(),
                        null,
                        job.spec().method(),
                        inputs.training(),
                        inputs.validation().orElse(null),
                        inputs.base(),
                        new ValidateTask.Limits(
                                rows.maxSeqLen(),
                                rows.overflow() == null ? usual.overflow() : rows.overflow(),
                                usual.problems()),
                        mixed(job.spec(), inputs.others()));
        new Jobs(handle).taskSent(job.job(), task);
        new Mail(handle, clock).send(task);
        if (first) {
            new Journal(handle)
                    .say(
                            job.job(),
                            Journal.Level.INFO,
                            "Validating training file: " + job.spec().trainingFile().wire());
        } else {
            log.info("{} sent again for {}", task.task(), job.job());
        }
    }

    private static ValidateTask.Mixed mixed(JobSpec spec, List<ObjectRef> others) {
        boolean lastOnly =
                spec.choice().settings() instanceof MethodSettings.Supervised supervised
                        && supervised.lastAnswerOnly();
        boolean all =
                spec.method() == Method.PRETRAIN
                        || Boolean.TRUE.equals(spec.training().rows().trainOnPrompt());
        Long seed = spec.seed();
        return new ValidateTask.Mixed(
                spec.training().data(),
                others,
                seed == null ? Resolver.SEED : seed,
                spec.training().template(),
                all
                        ? TrainedTurns.ALL
                        : lastOnly ? TrainedTurns.LAST_ANSWER : TrainedTurns.ANSWERS);
    }

    /// Applies a host's answer. A second answer to the same task finds it done.
    public void answered(UUID id, Report.Validated report) {
        database.useTransaction(
                ACTOR,
                handle -> {
                    if (Inbox.accept(handle, CONSUMER, id)) {
                        new Jobs(handle)
                                .taskDone(report.task(), Json.text(report))
                                .ifPresent(job -> decide(handle, job, report));
                    }
                });
    }

    private void decide(Handle handle, JobId job, Report.Validated report) {
        ModelFacts model = report.model();
        Journal journal = new Journal(handle);
        report.notes().forEach(note -> journal.say(job, Journal.Level.INFO, note));
        survey(handle, job, report);
        if (!report.ok()) {
            refuse(handle, job, invalid(job, report));
        } else if (model == null) {
            refuse(
                    handle,
                    job,
                    new Refusal(
                            ErrorCode.INTERNAL_ERROR, "the check returned no model facts", null));
        } else {
            plan(handle, job, report, model);
        }
    }

    /// Keeps what was found in the data, and says it.
    private void survey(Handle handle, JobId job, Report.Validated report) {
        DataSurvey survey = report.survey();
        if (survey == null) {
            return;
        }
        Jobs jobs = new Jobs(handle);
        Manifest.Entry entry = report.report();
        TenantId tenant = jobs.tenant(job).orElseThrow();
        boolean own = entry != null && entry.key().startsWith(Jobs.prefix(tenant, job));
        List<UUID> file =
                own ? new ResultFiles(handle, ids).add(tenant, List.of(entry)) : List.of();
        jobs.surveyed(job, survey, file.isEmpty() ? null : file.getFirst());
        Journal journal = new Journal(handle);
        for (SurveyedFile one : survey.files()) {
            journal.say(job, Journal.Level.INFO, SurveyText.line(one));
            SurveyText.findings(one).forEach(text -> journal.say(job, Journal.Level.WARN, text));
        }
    }

    /// Data are at fault unless a problem names the model.
    private static Refusal invalid(JobId job, Report.Validated report) {
        boolean model =
                !report.problems().isEmpty()
                        && report.problems().stream()
                                .allMatch(p -> p.code() == ProblemCode.INVALID_MODEL_FILE);
        String first =
                report.problems().stream().map(Problem::text).collect(Collectors.joining("; "));
        long more = report.problemCount() - report.problems().size();
        String rest =
                report.report() == null
                        ? ""
                        : "; all findings: GET /api/v1/jobs/%s/findings, or tunesmith jobs findings %s"
                                .formatted(job.wire(), job.wire());
        DataSurvey survey = report.survey();
        String data = survey == null ? "training_file" : survey.param();
        return new Refusal(
                model ? ErrorCode.BASE_MODEL_UNAVAILABLE : ErrorCode.INVALID_TRAINING_DATA,
                first + (more > 0 ? "; and " + more + " more" : "") + rest,
                model ? "model" : data);
    }

    private void plan(Handle handle, JobId job, Report.Validated report, ModelFacts model) {
        Jobs jobs = new Jobs(handle);
        JobSpec spec = jobs.spec(job).orElseThrow();
        Optional<AdapterSpec> before = jobs.maker(job).map(ResolvedSpec::adapter);
        List<Problem> unfit = new ArrayList<>(ModelFit.problems(spec, model));
        before.ifPresent(adapter -> unfit.addAll(ModelFit.continuing(spec, adapter)));
        if (!unfit.isEmpty()) {
            String all = unfit.stream().map(Problem::text).collect(Collectors.joining("; "));
            refuse(handle, job, new Refusal(ErrorCode.INVALID_SPEC, all, unfit.getFirst().param()));
            return;
        }
        long device =
                jobs.largestDevice(spec.scheduling().flavor(), hostFresh)
                        .or(() -> jobs.largestDevice("any", hostFresh))
                        .orElse(Long.MAX_VALUE);
        Map<ModelRole, ModelFacts> others =
                jobs.companionFacts(job, spec.choice().settings().companions());
        ResolvedSpec asked = Resolver.resolve(spec, model, report.training(), device, others);
        ResolvedSpec resolved = before.map(asked::continuing).orElse(asked);
        MemoryPlan plan =
                MemoryPlan.of(model, Resolver.workload(resolved, report.training(), others));
        if (!plan.fits(device)) {
            refuse(
                    handle,
                    job,
                    new Refusal(ErrorCode.OUT_OF_MEMORY, plan.refusal(model, device), "model"));
            return;
        }
        if (jobs.queue(job, resolved, planText(plan))) {
            Journal journal = new Journal(handle);
            journal.say(job, Journal.Level.INFO, "Files validated, moving job to queued state");
            cutRows(resolved, report.training())
                    .ifPresent(text -> journal.say(job, Journal.Level.WARN, text));
            DataSurvey survey = report.survey();
            if (survey != null) {
                RunEstimate run = new Estimates(handle, price).of(job, report, resolved, model);
                jobs.surveyed(job, survey.with(run), null);
                journal.surveyed(job, SurveyText.line(run));
            }
        }
    }

    /// What happens to rows that are too long, which must not go unseen.
    private static Optional<String> cutRows(ResolvedSpec spec, DatasetStats stats) {
        return stats.cutRows() == 0
                ? Optional.empty()
                : Optional.of(
                        "%d of %d rows are longer than %d tokens (max_seq_len); overflow is %s"
                                .formatted(
                                        stats.cutRows(),
                                        stats.rows(),
                                        spec.rows().maxSeqLen(),
                                        spec.rows().overflow().wire()));
    }

    /// The plan with its sum, which the planner reads in SQL.
    private static String planText(MemoryPlan plan) {
        Map<String, Object> tree = new HashMap<>(Json.treeOf(plan));
        tree.put("total_bytes", plan.total());
        return Json.text(tree);
    }

    private static void refuse(Handle handle, JobId job, Refusal refusal) {
        if (new Jobs(handle).refuse(job, refusal)) {
            new Journal(handle).entered(job, JobState.FAILED, refusal.message());
        }
    }
}
