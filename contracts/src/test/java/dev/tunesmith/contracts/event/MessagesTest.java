package dev.tunesmith.contracts.event;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tunesmith.contracts.TestingJson;
import dev.tunesmith.contracts.data.DatasetStats;
import dev.tunesmith.contracts.fit.ModelFacts;
import dev.tunesmith.contracts.fit.Recompute;
import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.contracts.id.FileId;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.id.TaskId;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.ErrorClass;
import dev.tunesmith.contracts.job.ErrorCode;
import dev.tunesmith.contracts.job.JobKind;
import dev.tunesmith.contracts.job.JobState;
import dev.tunesmith.contracts.job.Origin;
import dev.tunesmith.contracts.job.Overflow;
import dev.tunesmith.contracts.job.Phase;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.optim.Curve;
import dev.tunesmith.contracts.optim.OptimizerSpec;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.template.ChatOptions;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class MessagesTest {
    private static final UUID SOME = new UUID(7, 9);
    private static final JobId JOB = new JobId(SOME);
    private static final TenantId TENANT = new TenantId(SOME);
    private static final TaskId TASK = new TaskId(SOME);
    private static final Attempt ATTEMPT = new Attempt(JOB, 2, SOME);
    private static final ManifestRef MANIFEST = new ManifestRef("a/b/MANIFEST.json", "ff");
    private static final ObjectRef FILE = new ObjectRef("t/x/datasets/y", 5, "00", "rows.csv");
    private static final DatasetStats STATS = new DatasetStats(1, 2, 3, 4, 5, 6, 7, 8);
    private static final ModelFacts FACTS =
            new ModelFacts(
                    "LlamaForCausalLM",
                    2,
                    64,
                    4,
                    2,
                    16,
                    128,
                    512,
                    true,
                    ModelFacts.Extras.NONE,
                    99,
                    256);
    private static final Problem PROBLEM = Problem.ofLine(3, "messages", "is missing");
    private static final ResolvedSpec SPEC =
            new ResolvedSpec(
                    1,
                    JobKind.TRAIN,
                    Method.DPO.defaults(),
                    "nano",
                    new AdapterSpec.Lora(
                            8, 16, 0.05, List.of("all-linear"), false, AdapterSpec.Export.ADAPTER),
                    new ResolvedSpec.Rows(256, true, Overflow.TRUNCATE, false, 0, 8, 4),
                    new ResolvedSpec.Steps(3, 100, null, 1, 50, 0),
                    new ResolvedSpec.Optimizer(
                            2e-4, 1, Curve.COSINE, 0.03, null, 0, 1, OptimizerSpec.ADAMW),
                    Precision.BF16,
                    Recompute.BLOCK,
                    42,
                    Map.of("rank", Origin.USER, "seed", Origin.derived("fixed")));
    private static final Control.Work WORK =
            new Control.Work(
                    TENANT,
                    JOB,
                    SPEC,
                    new ModelSource("nano", MANIFEST),
                    FILE,
                    null,
                    new Control.Resume(10, MANIFEST),
                    "t/x/j/y/");

    private static final Manifest.Entry ENTRY = new Manifest.Entry("a", "x/a", 3, "00");
    private static final DataTask DATA =
            new DataTask(
                    TASK,
                    TENANT,
                    FILE,
                    null,
                    new ModelSource("nano", MANIFEST),
                    new DataTask.Wish(
                            DataTask.Verb.PREVIEW,
                            3L,
                            null,
                            null,
                            64,
                            null,
                            null,
                            0.5,
                            null,
                            1L,
                            null,
                            ChatOptions.of(Map.of("enable_thinking", false))),
                    "t/x/data/y/");

    private static Stream<Message> messages() {
        return Stream.of(
                new Report.Claim(ATTEMPT, "h", "b"),
                new Report.Started(ATTEMPT, 1, "cpu", Map.of("torch", "2")),
                new Report.Checkpoint(ATTEMPT, 5, MANIFEST, 9, Map.of("train_loss", 1.5)),
                new Report.Damaged(ATTEMPT, MANIFEST, "gone"),
                new Report.Finalizing(ATTEMPT, 9),
                new Report.Result(ATTEMPT, MANIFEST, 1, 2, Map.of()),
                new Report.Paused(ATTEMPT),
                new Report.Cancelled(ATTEMPT),
                new Report.HandedBack(ATTEMPT, "drain"),
                new Report.Failed(
                        ATTEMPT, ErrorClass.RESOURCE, ErrorCode.OUT_OF_MEMORY, "m", null, null),
                new Report.Exited(ATTEMPT, 137, 9),
                new Report.Validated(
                        TASK, JOB, null, STATS, null, List.of(PROBLEM), 21, FACTS, null),
                new Report.DataDone(TASK, Map.of("rows", 3), List.of(ENTRY), null),
                new Beat(
                        "h",
                        "b",
                        1,
                        new Beat.Slots(1, 1, "any", 4),
                        List.of(new Beat.Running(ATTEMPT, Phase.TRAINING, 1, 2, 3.5, 4))),
                new Control.Grant("h", SOME, ATTEMPT, 60_000, WORK),
                new Control.Refuse("h", SOME, ATTEMPT, "stale"),
                new Control.Committed("h", SOME, ATTEMPT),
                new Control.Rejected("h", SOME, ATTEMPT, "hash"),
                new Control.BeatAck(
                        "h",
                        "b",
                        1,
                        List.of(new Control.Wanted(ATTEMPT, Control.Desired.PAUSE, null)),
                        List.of(ATTEMPT)),
                new Control.Cancel("h", ATTEMPT, 5),
                new Control.Pause("h", ATTEMPT, 5),
                new Control.Preempt("h", ATTEMPT, 5),
                new Control.Drain("h", 5),
                new Control.Fenced("h", ATTEMPT, null),
                new Control.Abandon("h", TASK),
                new Dispatch(ATTEMPT, "ff", 7, -1),
                DATA,
                new ValidateTask(
                        TASK,
                        TENANT,
                        null,
                        new FileId(SOME),
                        Method.PRETRAIN,
                        FILE,
                        null,
                        null,
                        ValidateTask.Limits.USUAL),
                new Telemetry(TENANT, ATTEMPT, 1, Phase.TRAINING, 1, 2, 0.5, Map.of("l", 1.0)),
                new JobChanged(JOB, TENANT, 1, null, JobState.VALIDATING, 0));
    }

    @ParameterizedTest
    @MethodSource("messages")
    void surviveTheirEnvelope(Message message) throws Exception {
        Envelope envelope = Envelope.of(SOME, Instant.EPOCH, message);
        String json = TestingJson.MAPPER.writeValueAsString(envelope);
        assertThat(TestingJson.MAPPER.readValue(json, Envelope.class)).isEqualTo(envelope);
    }

    @Test
    void everyMessageTypeIsTestedAndHasAnOwnName() {
        List<Class<?>> leaves = leaves(Message.class).toList();
        assertThat(messages().map(Object::getClass).distinct().count()).isEqualTo(leaves.size());
        assertThat(
                        leaves.stream()
                                .map(type ->
                                        type.getAnnotation(
                                                        com.fasterxml.jackson.annotation
                                                                .JsonTypeName.class)
                                                .value())
                                .distinct())
                .hasSameSizeAs(leaves);
    }

    private static Stream<Class<?>> leaves(Class<?> type) {
        return type.isRecord()
                ? Stream.of(type)
                : Stream.of(type.getPermittedSubclasses()).flatMap(MessagesTest::leaves).distinct();
    }

    @Test
    void carryTheirTypeAndNoDerivedValues() {
        JsonNode json = TestingJson.MAPPER.valueToTree(new Report.Claim(ATTEMPT, "h", "b"));
        assertThat(json.fieldNames())
                .toIterable()
                .containsExactlyInAnyOrder("type", "attempt", "host", "boot");
        assertThat(json.get("type").asText()).isEqualTo("claim");
    }

    private static Stream<ChildCommand> commands() {
        return Stream.of(
                new ChildCommand.Start(ATTEMPT, WORK, 5),
                new ChildCommand.Validate(
                        new ValidateTask(
                                TASK,
                                TENANT,
                                JOB,
                                null,
                                null,
                                FILE,
                                FILE,
                                new ModelSource("nano", MANIFEST),
                                new ValidateTask.Limits(64, Overflow.ERROR, 20))),
                new ChildCommand.Prepare(DATA),
                new ChildCommand.Committed(3),
                new ChildCommand.Rejected(3, "r"),
                new ChildCommand.Stop(ChildCommand.Reason.PREEMPT));
    }

    @ParameterizedTest
    @MethodSource("commands")
    void commandsSurviveTheLine(ChildCommand command) throws Exception {
        String json = TestingJson.MAPPER.writeValueAsString(command);
        assertThat(json).doesNotContain("\n");
        assertThat(TestingJson.MAPPER.readValue(json, ChildCommand.class)).isEqualTo(command);
    }

    private static Stream<ChildReport> childReports() {
        return Stream.of(
                new ChildReport.Alive(1),
                new ChildReport.Started(1, "cpu", Map.of()),
                new ChildReport.Entered(Phase.LOADING, 0, 0),
                new ChildReport.Stepped(1, 2, 0.5, 3.5, Map.of("train_loss", 2.0)),
                new ChildReport.Noted(4, "loss NaN"),
                new ChildReport.Checkpoint(1, 5, MANIFEST, 9, Map.of()),
                new ChildReport.Damaged(MANIFEST, "gone"),
                new ChildReport.Finalizing(2, 9),
                new ChildReport.Result(3, MANIFEST, 9, 8, Map.of()),
                new ChildReport.Failed(ErrorClass.USER, ErrorCode.INVALID_SPEC, "m", "rank"),
                new ChildReport.Validated(STATS, STATS, List.of(PROBLEM), 1, null),
                new ChildReport.Prepared(Map.of("rows", 3), List.of(ENTRY)),
                new ChildReport.Stopped(ChildCommand.Reason.DRAIN, 4));
    }

    @ParameterizedTest
    @MethodSource("childReports")
    void childReportsSurviveTheLine(ChildReport report) throws Exception {
        String json = TestingJson.MAPPER.writeValueAsString(report);
        assertThat(TestingJson.MAPPER.readValue(json, ChildReport.class)).isEqualTo(report);
    }

    @Test
    void everyChildMessageIsTested() {
        assertThat(commands().count()).isEqualTo(leaves(ChildCommand.class).count());
        assertThat(childReports().count()).isEqualTo(leaves(ChildReport.class).count());
    }

    @Test
    void aManifestSurvivesItsFileAndSortsItsKeys() throws Exception {
        var manifest =
                new Manifest(
                        Manifest.VERSION,
                        Manifest.Kind.CHECKPOINT,
                        TENANT,
                        ATTEMPT,
                        5,
                        List.of(
                                new Manifest.Entry("a", "x/a", 3, "00"),
                                new Manifest.Entry("b", "x/b", 4, "11")),
                        Map.of("z", "1", "a", "2"),
                        Map.of(),
                        null);
        String json = TestingJson.MAPPER.writeValueAsString(manifest);
        assertThat(TestingJson.MAPPER.readValue(json, Manifest.class)).isEqualTo(manifest);
        assertThat(json).contains("\"inputs\":{\"a\":\"2\",\"z\":\"1\"}");
        assertThat(manifest.bytes()).isEqualTo(7);
        assertThat(manifest.find("b").orElseThrow().key()).isEqualTo("x/b");
        assertThat(MANIFEST.prefix()).isEqualTo("a/b/");
    }

    @Test
    void onlyPausePreemptAndDrainSave() {
        assertThat(Stream.of(ChildCommand.Reason.values()).filter(ChildCommand.Reason::saves))
                .containsExactly(
                        ChildCommand.Reason.PAUSE,
                        ChildCommand.Reason.PREEMPT,
                        ChildCommand.Reason.DRAIN);
    }

    @Test
    void exitCodesNameTheirClass() {
        assertThat(ExitCode.classOf(0)).isEmpty();
        assertThat(ExitCode.classOf(70)).contains(ErrorClass.INTERNAL);
        assertThat(ExitCode.classOf(74)).contains(ErrorClass.INFRA);
        assertThat(ExitCode.classOf(75)).contains(ErrorClass.PREEMPTED);
        assertThat(ExitCode.classOf(76)).contains(ErrorClass.RESOURCE);
        assertThat(ExitCode.classOf(77)).contains(ErrorClass.NUMERIC);
        assertThat(ExitCode.classOf(78)).contains(ErrorClass.USER);
        assertThat(ExitCode.classOf(137)).contains(ErrorClass.INFRA);
    }

    @Test
    void topicsNameTheirFlavour() {
        assertThat(Topics.dispatch("cpu")).isEqualTo("ts.dispatch.cpu.v1");
        assertThat(Topics.trainers("cpu")).isEqualTo("trainers.cpu");
        assertThat(Topics.deadLetters(Topics.REPORTS)).isEqualTo("ts.dlq.ts.reports.v1");
    }
}
