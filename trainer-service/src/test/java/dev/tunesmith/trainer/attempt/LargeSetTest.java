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
import dev.tunesmith.contracts.event.ValidateTask;
import dev.tunesmith.contracts.id.TaskId;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.contracts.job.Overflow;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.template.ChatOptions;
import dev.tunesmith.platform.objects.DirectoryObjects;
import dev.tunesmith.platform.objects.ObjectStore.Stored;
import dev.tunesmith.trainer.attempt.RunningChild.Limits;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.UUID;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Sets of rows that are larger than the memory of the processes that check, measure, pack and
/// train them.
class LargeSetTest {

    private static final TenantId TENANT = new TenantId(new UUID(1, 1));
    private static final int VOCABULARY = 1200;

    /// Tokens of a row when it is measured; none is cut.
    private static final int TOKENS_MAX = 8192;

    /// An id and a weight, as they lie in a shard and once lay in memory.
    private static final int BYTES_A_TOKEN = 8;

    @TempDir Path folder;
    private final SplittableRandom random = new SplittableRandom(5);
    private final List<String> words = words();

    /// What is asked of the children.
    ///
    /// @param bytes of the set
    /// @param rowBytes of a row, about
    /// @param share of rows held out
    private record Set(long bytes, int rowBytes, double share, Limits limits) {}

    @Test
    void aSetWhoseTokensExceedTheHeapIsCheckedMeasuredPackedAndTrained() throws Exception {
        prepare(new Set(16 << 20, 2_000, 0.001, new Limits("40m", 300, false)));
    }

    @Test
    @Tag("longrun")
    @Timeout(7_200)
    void aMillionRowsOfTwoGibibytesTakeAtMostOneGibibyteOfHeap() throws Exception {
        prepare(new Set(2L << 30, 2_300, 0.000_01, new Limits("1g", 3_600, true)));
    }

    /// Kills: rows for graders that stay in memory.
    @Test
    void promptsWhoseColumnsExceedTheHeapAreChecked() throws Exception {
        checkPrompts(new Set(64 << 20, 20_000, 0, new Limits("40m", 300, false)));
    }

    @Test
    @Tag("longrun")
    @Timeout(7_200)
    void aMillionPromptsOfTwoGibibytesTakeAtMostOneGibibyteOfHeap() throws Exception {
        checkPrompts(new Set(2L << 30, 2_100, 0, new Limits("1g", 3_600, true)));
    }

    private void checkPrompts(Set set) throws Exception {
        var objects = new DirectoryObjects(folder.resolve("store"));
        Path model = TinyJob.model(folder, List.of(String.join(" ", words)), VOCABULARY);
        Path file = folder.resolve("rows.jsonl");
        String solution = text(set.rowBytes);
        long rows = 0;
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 20)) {
            for (long written = 0; written < set.bytes; rows++) {
                byte[] row =
                        "{\"prompt\":\"%d %s\",\"solution\":\"%s\"}\n"
                                .formatted(rows, words.getFirst(), solution)
                                .getBytes(UTF_8);
                out.write(row);
                written += row.length;
            }
        }
        Stored stored = objects.put("t/a/datasets/rows", file);
        Files.delete(file);
        TinyJob job = TinyJob.store(objects, model, stored);
        var validate =
                new ValidateTask(
                        new TaskId(new UUID(3, 5)),
                        TENANT,
                        null,
                        null,
                        Method.GRPO,
                        job.training(),
                        null,
                        job.base(),
                        new ValidateTask.Limits(TOKENS_MAX, Overflow.TRUNCATE, 20));

        ChildReport.Validated checked =
                done(set, new ChildCommand.Validate(validate), ChildReport.Validated.class);

        assertThat(checked.problems()).isEmpty();
        assertThat(checked.training().rows()).isEqualTo(rows);
    }

    private void prepare(Set set) throws Exception {
        var objects = new DirectoryObjects(folder.resolve("store"));
        Path model = TinyJob.model(folder, List.of(String.join(" ", words)), VOCABULARY);
        Path file = folder.resolve("rows.jsonl");
        long rows = write(file, set);
        Stored stored = objects.put("t/a/datasets/rows", file);
        Files.delete(file);
        TinyJob job = TinyJob.store(objects, model, stored);

        var limits = new ValidateTask.Limits(TOKENS_MAX, Overflow.TRUNCATE, 20);
        ChildReport.Validated checked =
                done(set, job.check(Method.SUPERVISED, limits), ChildReport.Validated.class);
        assertThat(checked.problems()).isEmpty();
        assertThat(checked.training().rows()).isEqualTo(rows);
        assertThat(checked.training().tokens() * BYTES_A_TOKEN).isGreaterThan(set.bytes);

        Map<String, Object> tokens = measured(set, Verb.TOKENS, job);
        Map<String, Object> packing = measured(set, Verb.PACK, job);
        assertThat(tokens).extracting("rows").isEqualTo(Math.toIntExact(rows));
        assertThat(((Number) requireNonNull(tokens.get("tokens"))).longValue())
                .isEqualTo(checked.training().tokens());
        assertThat((Double) requireNonNull(packing.get("fullness"))).isGreaterThan(0.9);

        ResolvedSpec spec = TinyJob.packed(TinyJob.spec(3, 100), set.share);
        done(set, job.start(spec, 1, null), ChildReport.Result.class);
    }

    private Map<String, Object> measured(Set set, Verb verb, TinyJob job) throws Exception {
        Wish wish =
                new Wish(
                        verb,
                        null,
                        null,
                        null,
                        TOKENS_MAX,
                        null,
                        null,
                        null,
                        null,
                        null,
                        null,
                        ChatOptions.NONE);
        var task =
                new DataTask(
                        new TaskId(new UUID(3, 4)),
                        TENANT,
                        job.training(),
                        null,
                        job.base(),
                        wish,
                        "t/a/data/x/");
        return done(set, new ChildCommand.Prepare(task), ChildReport.Prepared.class).result();
    }

    private <R extends ChildReport> R done(Set set, ChildCommand command, Class<R> kind)
            throws Exception {
        long start = System.nanoTime();
        try (RunningChild child =
                RunningChild.start(
                        folder.resolve("work"),
                        RunningChild.Settings.folder(folder.resolve("store")),
                        command,
                        Map.of(),
                        set.limits)) {
            assertThat(child.exit()).isEqualTo(ExitCode.FINISHED);
            System.out.printf(
                    "%s of %d MiB with a heap of %s: %.1f s%n",
                    kind.getSimpleName(),
                    set.bytes >> 20,
                    set.limits.heap(),
                    (System.nanoTime() - start) / 1e9);
            return child.last(kind);
        }
    }

    private long write(Path file, Set set) throws IOException {
        long rows = 0;
        long written = 0;
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 20)) {
            while (written < set.bytes) {
                int answer = random.nextInt(set.rowBytes / 2, set.rowBytes * 3 / 4);
                byte[] row =
                        """
                        {"messages":[{"role":"user","content":"%s"},{"role":"assistant","content":"%s"}]}
                        """
                                .formatted(text(set.rowBytes / 4), text(answer))
                                .getBytes(UTF_8);
                out.write(row);
                written += row.length;
                rows++;
            }
        }
        return rows;
    }

    private String text(int length) {
        StringBuilder text = new StringBuilder();
        while (text.length() < length) {
            text.append(text.isEmpty() ? "" : " ").append(words.get(random.nextInt(words.size())));
        }
        return text.toString();
    }

    private List<String> words() {
        List<String> made = new ArrayList<>(List.of("user assistant"));
        for (int i = 0; i < 400; i++) {
            StringBuilder word = new StringBuilder();
            for (int syllable = random.nextInt(1, 4); syllable > 0; syllable--) {
                word.append("bdfgklmnprst".charAt(random.nextInt(12)))
                        .append("aeiou".charAt(random.nextInt(5)));
            }
            made.add(word.toString());
        }
        return made;
    }
}
