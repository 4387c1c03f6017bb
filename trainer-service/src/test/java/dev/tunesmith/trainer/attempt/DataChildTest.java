package dev.tunesmith.trainer.attempt;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.event.ChildCommand;
import dev.tunesmith.contracts.event.ChildReport;
import dev.tunesmith.contracts.event.DataTask;
import dev.tunesmith.contracts.event.DataTask.Verb;
import dev.tunesmith.contracts.event.DataTask.Wish;
import dev.tunesmith.contracts.event.ExitCode;
import dev.tunesmith.contracts.event.Manifest;
import dev.tunesmith.contracts.event.ObjectRef;
import dev.tunesmith.contracts.id.TaskId;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.contracts.mixture.Reading;
import dev.tunesmith.contracts.template.ChatOptions;
import dev.tunesmith.platform.objects.DirectoryObjects;
import dev.tunesmith.platform.objects.ObjectStore.Stored;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Real child processes that look at data.
class DataChildTest {

    @TempDir Path folder;
    private DirectoryObjects objects;
    private TinyJob job;

    @BeforeEach
    void storeInputs() throws IOException {
        objects = new DirectoryObjects(folder.resolve("store"));
        job = TinyJob.store(objects, folder);
    }

    private static Wish wish(Verb verb) {
        return new Wish(
                verb, 2L, null, null, 64, "csv", "alpaca", 0.2, null, 1L, null, ChatOptions.NONE);
    }

    private ChildReport.Prepared done(Verb verb, ObjectRef file) throws Exception {
        try (RunningChild child = start(verb, file, null)) {
            assertThat(child.exit()).isEqualTo(ExitCode.FINISHED);
            return child.last(ChildReport.Prepared.class);
        }
    }

    private RunningChild start(Verb verb, ObjectRef file, @Nullable ObjectRef second)
            throws IOException {
        return start(wish(verb), new TinyJob(job.base(), file), second, "store");
    }

    private RunningChild start(Wish wish, TinyJob subject, @Nullable ObjectRef second, String store)
            throws IOException {
        return RunningChild.start(
                folder.resolve("work"),
                RunningChild.Settings.folder(folder.resolve(store)),
                new ChildCommand.Prepare(
                        new DataTask(
                                new TaskId(new UUID(3, 3)),
                                new TenantId(new UUID(1, 1)),
                                subject.training(),
                                second,
                                subject.base(),
                                wish,
                                "t/a/data/x/")));
    }

    private String text(Manifest.Entry entry) {
        return new String(objects.get(entry.key(), 1 << 20), UTF_8);
    }

    @Test
    void aCheckReportsBothFilesAndTheirFindings() throws Exception {
        String bad = "not json\n" + TinyJob.rows().lines().findFirst().orElseThrow() + "\n";
        Stored second = objects.put("t/a/datasets/second", bad.getBytes(UTF_8));
        ObjectRef file = new ObjectRef(second.key(), second.bytes(), second.sha256());
        try (RunningChild child = start(Verb.CHECK, job.training(), file)) {
            assertThat(child.exit()).isEqualTo(ExitCode.FINISHED);
            ChildReport.Prepared done = child.last(ChildReport.Prepared.class);

            assertThat(done.result())
                    .containsKeys("training", "validation", "tokens", "recognised");
            assertThat((Map<?, ?>) done.result().get("validation"))
                    .extracting("problem_count")
                    .isEqualTo(1);
            assertThat(text(done.files().getFirst()))
                    .contains("\"kind\":\"bad_row\"")
                    .contains("\"kind\":\"leaked_row\"");
        }
    }

    @Test
    void aRowIsShownWithWhatIsTrained() throws Exception {
        ChildReport.Prepared done = done(Verb.PREVIEW, job.training());

        List<?> documents = (List<?>) requireNonNull(done.result().get("documents"));
        Map<?, ?> document = (Map<?, ?>) requireNonNull(documents.getFirst());
        List<?> pieces = (List<?>) requireNonNull(document.get("pieces"));
        assertThat(pieces)
                .anySatisfy(
                        piece -> assertThat((Map<?, ?>) piece).extracting("weight").isEqualTo(1.0));
        assertThat(pieces)
                .anySatisfy(
                        piece -> assertThat((Map<?, ?>) piece).extracting("weight").isEqualTo(0.0));
    }

    private static Wish shown(int tokens) {
        return new Wish(
                Verb.PREVIEW,
                2L,
                "qwen",
                null,
                tokens,
                null,
                null,
                null,
                null,
                null,
                null,
                ChatOptions.NONE);
    }

    private Map<String, Object> preview(TinyJob subject, String store) throws Exception {
        Wish wish = shown(200);
        try (RunningChild child = start(wish, subject, null, store)) {
            assertThat(child.exit()).isEqualTo(ExitCode.FINISHED);
            return child.last(ChildReport.Prepared.class).result();
        }
    }

    /// A name is looked up, never taken for a template that says its own name.
    @Test
    void aNamedTemplateWritesTheRowWhereTheModelBringsNone() throws Exception {
        Map<String, Object> shown = preview(job, "store");

        assertThat(shown).doesNotContainKey("templates");
        assertThat(String.valueOf(shown.get("documents")))
                .contains("<|im_start|>system", "You are Qwen");
    }

    @Test
    void aRowThatAJobLeavesOutIsNotShownEmpty() throws Exception {
        try (RunningChild child = start(shown(16), job, null, "store")) {
            assertThat(child.exit()).isNotEqualTo(ExitCode.FINISHED);
            assertThat(child.last(ChildReport.Failed.class).message())
                    .contains("row 2", "16 tokens", "no room");
        }
    }

    @Test
    void theTemplateOfTheModelCountsAndTheDifferenceIsShown() throws Exception {
        Path model = folder.resolve("tiny");
        Files.writeString(
                model.resolve("chat_template.jinja"),
                "{% for m in messages %}{{ m.role }}={{ m.content }}\n{% endfor %}");
        DirectoryObjects other = new DirectoryObjects(folder.resolve("own"));
        TinyJob own = TinyJob.store(other, model, TinyJob.rows());

        Map<String, Object> shown = preview(own, "own");

        assertThat(String.valueOf(shown.get("documents"))).contains("user=What colour is sky 1?");
        assertThat(String.valueOf(shown.get("templates_text")))
                .contains("template qwen would write 32 of the first 32 rows otherwise")
                .contains("-user=What colour is sky 0?", "+<|im_start|>user");
    }

    /// Kills: a verb that reads columns as it likes.
    @Test
    void everyVerbReadsRowsAsItIsAsked() throws Exception {
        String rows = "ask,reply\n2+2?,4\n3+3?,6\n4+4?,8\n5+5?,10\n6+6?,12\n";
        Stored stored = objects.put("t/a/datasets/own", rows.getBytes(UTF_8));
        ObjectRef table = new ObjectRef(stored.key(), stored.bytes(), stored.sha256(), "own.csv");
        Map<String, String> columns = Map.of("prompt", "ask", "response", "reply");
        for (Verb verb : Verb.values()) {
            Reading reading = new Reading(null, null, false, columns, null, null);
            Wish wish =
                    new Wish(
                            verb,
                            2L,
                            null,
                            null,
                            64,
                            "jsonl",
                            "openai",
                            0.4,
                            null,
                            1L,
                            reading,
                            ChatOptions.NONE);
            try (RunningChild child = start(wish, new TinyJob(job.base(), table), table, "store")) {
                assertThat(child.exit()).as(verb.wire()).isEqualTo(ExitCode.FINISHED);
                ChildReport.Prepared done = child.last(ChildReport.Prepared.class);
                String result = done.result().toString();
                String files = done.files().stream().map(this::text).reduce("", String::concat);
                switch (verb) {
                    case CHECK ->
                            assertThat(result)
                                    .contains("5 of the first 5 rows can be used", "rows=5")
                                    .contains("problem_count=0");
                    case PREVIEW -> assertThat(result).contains("3+3?", "6");
                    case TOKENS -> assertThat(result).contains("rows=5");
                    case CONVERT ->
                            assertThat(files).contains("\"content\":\"3+3?\"", "\"content\":\"6\"");
                    case SPLIT -> assertThat(files).contains("\"ask\":\"3+3?\"");
                    case PACK -> assertThat(result).contains("documents=5");
                }
            }
        }
    }

    @Test
    void tokensAndPackingAreCounted() throws Exception {
        Map<String, Object> tokens = done(Verb.TOKENS, job.training()).result();
        Map<String, Object> packing = done(Verb.PACK, job.training()).result();

        assertThat(tokens).extracting("rows").isEqualTo(packing.get("documents"));
        assertThat(tokens).extracting("tokens").isEqualTo(packing.get("tokens"));
        assertThat(tokens).extracting("context").isEqualTo(64);
    }

    @Test
    void filesAreConvertedAndDivided() throws Exception {
        Manifest.Entry table = done(Verb.CONVERT, job.training()).files().getFirst();
        assertThat(table.name()).isEqualTo("rows.csv");
        assertThat(text(table)).startsWith("\"instruction\",\"input\",\"output\"");

        List<Manifest.Entry> parts = done(Verb.SPLIT, job.training()).files();
        assertThat(parts)
                .extracting(Manifest.Entry::name)
                .containsExactly("training.jsonl", "validation.jsonl");
    }

    /// Kills: rows that come out without anybody knowing which ones they were.
    @Test
    void rowsThatAConversionLeavesOutStandInAFile() throws Exception {
        String rows =
                "{\"ask\":\"a\",\"reply\":\"b\"}\n{\"reply\":\"c\"}\n{\"ask\":\"d\",\"reply\":\"e\"}\n";
        Stored stored = objects.put("t/a/datasets/gaps", rows.getBytes(UTF_8));
        ObjectRef file = new ObjectRef(stored.key(), stored.bytes(), stored.sha256());
        Map<String, String> columns = Map.of("prompt", "ask", "response", "reply");
        Reading reading = new Reading(null, null, false, columns, null, null);
        Wish wish =
                new Wish(
                        Verb.CONVERT,
                        null,
                        null,
                        null,
                        null,
                        "jsonl",
                        null,
                        null,
                        null,
                        null,
                        reading,
                        ChatOptions.NONE);
        try (RunningChild child = start(wish, new TinyJob(job.base(), file), null, "store")) {
            assertThat(child.exit()).isEqualTo(ExitCode.FINISHED);
            ChildReport.Prepared done = child.last(ChildReport.Prepared.class);

            assertThat(done.result()).containsEntry("rows", 2).containsEntry("skipped", 1);
            assertThat(done.files())
                    .extracting(Manifest.Entry::name)
                    .containsExactly("rows.jsonl", "skipped.jsonl");
            assertThat(text(done.files().getLast())).startsWith("{\"row\":2,\"reason\":\"");
        }
    }
}
