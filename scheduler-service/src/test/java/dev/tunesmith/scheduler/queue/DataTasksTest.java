package dev.tunesmith.scheduler.queue;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.event.Manifest;
import dev.tunesmith.contracts.event.Report;
import dev.tunesmith.contracts.id.Ids;
import dev.tunesmith.contracts.id.TaskId;
import dev.tunesmith.scheduler.TestDatabase;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("servers")
class DataTasksTest {

    private static TestDatabase db;
    private static DataTasks tasks;

    @BeforeAll
    static void open() {
        db = TestDatabase.create(10);
        tasks =
                new DataTasks(
                        db.scheduler(),
                        Clock.systemUTC(),
                        Duration.ofSeconds(35),
                        new Ids(Clock.systemUTC(), new SecureRandom()));
    }

    private static TaskId asked(String model) {
        TaskId task = new TaskId(UUID.randomUUID());
        db.sql(
                "INSERT INTO data_task (task_id, tenant_id, file_id, model, wish) VALUES ('%s', '%s', '%s', '%s', '{\"verb\":\"tokens\"}')"
                        .formatted(task.value(), db.tenant().value(), db.file().value(), model));
        return task;
    }

    private static String state(TaskId task) {
        return db.value(
                "SELECT state FROM data_task WHERE task_id = '%s'".formatted(task.value()),
                String.class);
    }

    private static long sent(TaskId task) {
        return db.value(
                "SELECT count(*) FROM outbox WHERE msg_key = '%s' AND payload -> 'payload' ->> 'type' = 'data'"
                        .formatted(task.wire()),
                Long.class);
    }

    @Test
    void aTaskIsSentOnceAndItsAnswerEndsIt() {
        TaskId task = asked("nano");
        tasks.run();
        tasks.run();
        assertThat(sent(task)).isEqualTo(1);

        String key = "t/%s/data/%s/x/a.jsonl".formatted(db.tenant().value(), task.value());
        tasks.answered(
                UUID.randomUUID(),
                new Report.DataDone(
                        task,
                        Map.of("rows", 3),
                        List.of(new Manifest.Entry("a.jsonl", key, 5, "ab".repeat(32))),
                        null));

        assertThat(state(task)).isEqualTo("SUCCEEDED");
        assertThat(
                        db.value(
                                "SELECT count(*) FROM file WHERE object_key = '%s'".formatted(key),
                                Long.class))
                .isEqualTo(1);
    }

    /// The ending may tell what the file is, and findings name it.
    @Test
    void aHostLearnsWhatTheFileIsCalled() {
        TaskId task = asked("nano");
        tasks.run();

        assertThat(
                        db.value(
                                """
                                SELECT payload -> 'payload' -> 'file' ->> 'name' FROM outbox
                                WHERE msg_key = '%s'
                                """
                                        .formatted(task.wire()),
                                String.class))
                .isEqualTo("rows.jsonl");
    }

    @Test
    void whatAHostWritesElsewhereIsNotTaken() {
        TaskId task = asked("nano");
        tasks.run();
        tasks.answered(
                UUID.randomUUID(),
                new Report.DataDone(
                        task,
                        Map.of(),
                        List.of(new Manifest.Entry("a", "t/other/secret", 5, "ab".repeat(32))),
                        null));

        assertThat(state(task)).isEqualTo("FAILED");
    }

    @Test
    void aCancelledTaskEndsAndALateAnswerChangesNothing() {
        TaskId task = asked("nano");
        tasks.run();
        db.sql(
                "UPDATE data_task SET cancelled = true WHERE task_id = '%s'"
                        .formatted(task.value()));
        tasks.run();
        assertThat(state(task)).isEqualTo("CANCELLED");

        tasks.answered(UUID.randomUUID(), new Report.DataDone(task, Map.of(), List.of(), null));
        assertThat(state(task)).isEqualTo("CANCELLED");
    }

    @Test
    void aModelThatIsGoneFailsTheTask() {
        TaskId task = asked("nobody");
        tasks.run();

        assertThat(state(task)).isEqualTo("FAILED");
        assertThat(sent(task)).isZero();
    }
}
