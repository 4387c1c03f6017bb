package dev.tunesmith.trainer.attempt;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tunesmith.contracts.event.ChildCommand;
import dev.tunesmith.contracts.event.Control;
import dev.tunesmith.contracts.event.ObjectRef;
import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.Overflow;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.DistillSettings;
import dev.tunesmith.contracts.method.Grader.StringCheck;
import dev.tunesmith.contracts.method.GroupSettings;
import dev.tunesmith.contracts.method.KlEstimator;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodSettings;
import dev.tunesmith.contracts.method.MethodSettings.Ppo;
import dev.tunesmith.contracts.method.ModelRole;
import dev.tunesmith.contracts.method.Reference;
import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.platform.objects.ObjectStore.Stored;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// A [TinyJob] of any method, on rows as that method reads them.
record MethodJob(TinyJob job, ResolvedSpec spec) {

    private static final int ROWS = 40;
    private static final Ppo.Rollout SHORT_ANSWERS = new Ppo.Rollout(6, 1, 1, 0);
    private static final StringCheck HAS_AN_E =
            new StringCheck(
                    "{{sample.output_text}}",
                    "{{item.reference_answer}}",
                    StringCheck.Operation.LIKE);

    /// Stores the rows of the method beside the model that is there.
    static MethodJob store(
            ObjectStore objects, TinyJob there, ResolvedSpec plain, Method method, boolean whole) {
        Stored rows =
                objects.put(
                        "t/a/datasets/" + method.wire(), rows(method.rowKind()).getBytes(UTF_8));
        TinyJob job =
                new TinyJob(there.base(), new ObjectRef(rows.key(), rows.bytes(), rows.sha256()));
        return new MethodJob(job, spec(plain, method, whole));
    }

    private static String rows(Method.RowKind kind) {
        return IntStream.range(0, ROWS)
                .mapToObj(i -> row(kind, i) + "\n")
                .collect(Collectors.joining());
    }

    private static String row(Method.RowKind kind, int i) {
        return switch (kind) {
            case CONVERSATION ->
                    """
                    {"messages":[{"role":"user","content":"What colour is sky %d?"},\
                    {"role":"assistant","content":"It is blue %d."}]}\
                    """
                            .formatted(i, i % 7);
            case DOCUMENT -> "{\"text\":\"The sky %d is blue %d.\"}".formatted(i, i % 7);
            case PAIR ->
                    """
                    {"prompt":"What colour is sky %d?","chosen":"It is blue %d.","rejected":"No."}\
                    """
                            .formatted(i, i % 7);
            case JUDGED ->
                    """
                    {"prompt":"What colour is sky %d?","completion":"It is %d.","label":%s}\
                    """
                            .formatted(i, i % 7, i % 2 == 0);
            case PROMPT ->
                    """
                    {"messages":[{"role":"user","content":"What colour is sky %d?"}],\
                    "reference_answer":"e"}\
                    """
                            .formatted(i);
        };
    }

    private static ResolvedSpec spec(ResolvedSpec plain, Method method, boolean whole) {
        AdapterSpec adapter = whole ? new AdapterSpec.None() : dropping(method, plain.adapter());
        ResolvedSpec.Rows rows = plain.rows();
        return plain.with(settings(method))
                .with(adapter)
                .with(
                        new ResolvedSpec.Rows(
                                rows.maxSeqLen(),
                                method == Method.PRETRAIN,
                                Overflow.TRUNCATE,
                                false,
                                rows.validationShare(),
                                rows.batchSize(),
                                rows.microBatch()));
    }

    /// Dropout stays where the method takes it: its random numbers have to go on, too.
    private static AdapterSpec dropping(Method method, AdapterSpec adapter) {
        boolean takes = method == Method.SUPERVISED || method == Method.PRETRAIN;
        return takes
                ? adapter
                : new AdapterSpec.Lora(
                        4, 8, 0, List.of("all-linear"), false, AdapterSpec.Export.ADAPTER);
    }

    private static MethodSettings settings(Method method) {
        if (method.defaults() instanceof GroupSettings) {
            GroupSettings usual = GroupSettings.usual(method, HAS_AN_E);
            return new GroupSettings(
                    method,
                    3,
                    SHORT_ANSWERS,
                    usual.loss(),
                    usual.rewarding(),
                    new GroupSettings.Updates(2, 2),
                    usual.exam(),
                    HAS_AN_E,
                    Reference.START);
        }
        if (method == Method.DISTILL) {
            return new DistillSettings("tiny", 0.5, 0.5, 2, 0.5, SHORT_ANSWERS);
        }
        if (method == Method.PPO) {
            return new Ppo(
                    SHORT_ANSWERS,
                    new Ppo.Distance(KlEstimator.K1, 0.02, 1.0, 100),
                    new Ppo.Credit(1, 0.95, true, 0.1, true),
                    new Ppo.Update(2, 2, 0.2, 0.2, 0.1, 0.01),
                    HAS_AN_E,
                    Reference.START);
        }
        return method.defaults();
    }

    /// The first command of a child; a teacher is the model itself.
    ChildCommand.Start start(int epoch, Control.@Nullable Resume resume) {
        Map<ModelRole, Control.Companion> beside =
                spec.method() == Method.DISTILL
                        ? Map.of(ModelRole.TEACHER, new Control.Companion(job.base(), null))
                        : Map.of();
        return job.start(spec, epoch, resume, beside);
    }
}
