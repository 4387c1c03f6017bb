package dev.tunesmith.trainer.attempt;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tunesmith.contracts.event.ChildCommand;
import dev.tunesmith.contracts.event.ChildCommand.Reason;
import dev.tunesmith.contracts.event.ChildReport;
import dev.tunesmith.contracts.event.Control;
import dev.tunesmith.contracts.event.ExitCode;
import dev.tunesmith.contracts.event.Manifest;
import dev.tunesmith.contracts.event.ManifestRef;
import dev.tunesmith.contracts.event.ObjectRef;
import dev.tunesmith.contracts.event.StepMetrics;
import dev.tunesmith.contracts.event.ValidateTask;
import dev.tunesmith.contracts.fit.MemoryPlan;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.id.Sha256;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.AdapterSpec.FrozenForm;
import dev.tunesmith.contracts.job.AdapterSpec.Quantization;
import dev.tunesmith.contracts.job.ErrorClass;
import dev.tunesmith.contracts.job.ErrorCode;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.survey.DataSurvey;
import dev.tunesmith.contracts.survey.SurveyedFile;
import dev.tunesmith.contracts.survey.TokenCounts;
import dev.tunesmith.contracts.template.ChatTemplate;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.objects.DirectoryObjects;
import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.platform.objects.ObjectStore.Stored;
import dev.tunesmith.trainer.attempt.RunningChild.Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Real child processes over a folder of objects.
class ChildTest {

    private static final long MANIFEST_MAX = 1 << 20;

    /// What the virtual machine takes varies by this much.
    private static final long VARIATION_BYTES = 48L << 20;

    private static final String ADAPTER = "adapter_model.safetensors";

    @TempDir Path folder;
    private DirectoryObjects objects;
    private TinyJob job;

    @BeforeEach
    void storeInputs() throws IOException {
        objects = new DirectoryObjects(folder.resolve("store"));
        job = TinyJob.store(objects, folder);
    }

    @Test
    void trainsAndStoresItsResultManifestLast() throws Exception {
        try (RunningChild child = start(job.start(TinyJob.spec(8, 3), 1, null))) {
            assertThat(child.exit()).isEqualTo(ExitCode.FINISHED);

            ChildReport.Result result = child.last(ChildReport.Result.class);
            Manifest manifest = manifest(result.manifest());
            assertThat(manifest.kind()).isEqualTo(Manifest.Kind.RESULT);
            assertThat(manifest.objects())
                    .extracting(Manifest.Entry::name)
                    .containsExactly(
                            "README.md",
                            "adapter_config.json",
                            ADAPTER,
                            StepMetrics.PNG,
                            StepMetrics.SVG,
                            StepMetrics.EVENTS,
                            StepMetrics.CSV,
                            StepMetrics.LINES,
                            "training_spec.json");
            assertThat(text(manifest, "README.md"))
                    .contains("base_model: ", "library_name: peft", "## Data", "## Metrics")
                    .contains(job.training().sha256(), "| valid_loss |", "| rank |");
            String template = Sha256.of(ChatTemplate.CHATML.source().getBytes(UTF_8));
            assertThat(text(manifest, "README.md")).contains(template);
            assertThat(text(manifest, "training_spec.json"))
                    .contains("\"x_training\":{", "\"origins\":{")
                    .contains("\"chat_template_sha256\":\"%s\"".formatted(template));
            assertThat(manifest.inputs()).containsEntry("training", job.training().sha256());
            assertThat(result.metrics()).containsKeys("train_loss", "valid_loss_before");
            assertThat(result.metrics().get("valid_loss"))
                    .isLessThan(result.metrics().get("valid_loss_before"));
            assertThat(result.trainedTokens()).isPositive();
            assertThat(child.last(ChildReport.Checkpoint.class).step()).isEqualTo(6);
            assertThat(text(manifest, StepMetrics.CSV).lines().toList())
                    .startsWith(
                            "step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy")
                    .hasSize(1 + 9);
            assertThat(text(manifest, StepMetrics.LINES).lines().toList())
                    .hasSize(9)
                    .last()
                    .asString()
                    .contains("\"step\":8", "\"train_loss\"", "\"learning_rate\"", "\"grad_norm\"");
        }
    }

    /// The model is so small that nothing else counts.
    @Test
    void takesTheFixedPartOfTheMemoryPlan() throws Exception {
        try (RunningChild child = start(job.start(TinyJob.spec(4, 2), 1, null))) {
            assertThat(child.exit()).isEqualTo(ExitCode.FINISHED);

            assertThat(child.peakBytes())
                    .isCloseTo(MemoryPlan.FIXED_BYTES, within(VARIATION_BYTES));
        }
    }

    @Test
    void trainsOnPreferencesAndReportsThem() throws Exception {
        TinyJob pairs = new TinyJob(job.base(), object(TinyJob.pairs()));
        ResolvedSpec spec = TinyJob.of(TinyJob.spec(12, 6), Method.DPO);
        try (RunningChild child = start(pairs.start(spec, 1, null))) {
            assertThat(child.exit()).isEqualTo(ExitCode.FINISHED);
            ChildReport.Stepped first =
                    child.find(ChildReport.Stepped.class, s -> s.step() == 1).orElseThrow();
            ChildReport.Stepped last =
                    child.find(ChildReport.Stepped.class, s -> s.step() == 12).orElseThrow();
            assertThat(first.metrics())
                    .containsKeys(
                            "rewards/chosen",
                            "rewards/rejected",
                            "rewards/accuracies",
                            "logps/chosen",
                            "logps/rejected",
                            "logits/chosen",
                            "entropy");
            assertThat(first.metrics().get("rewards/margins")).isEqualTo(0);
            assertThat(first.metrics().get("train_loss")).isCloseTo(Math.log(2), within(1e-6));
            assertThat(last.metrics().get("rewards/margins")).isPositive();
            Manifest manifest = manifest(child.last(ChildReport.Result.class).manifest());
            assertThat(text(manifest, StepMetrics.LINES))
                    .contains("\"rewards/margins\"", "\"valid_rewards/accuracies\"");
        }
    }

    @Test
    void namesTheRowsThatAreNoPairs() throws Exception {
        TinyJob chats = new TinyJob(job.base(), object(TinyJob.rows()));
        try (RunningChild child = start(chats.check(Method.DPO, ValidateTask.Limits.USUAL))) {
            assertThat(child.exit()).isEqualTo(ExitCode.FINISHED);
            ChildReport.Validated validated = child.last(ChildReport.Validated.class);
            assertThat(validated.problemCount()).isEqualTo(40);
            assertThat(validated.problems().getFirst().text()).contains("line 1: chosen");
        }
    }

    @Test
    void trainsBesideQuantisedWeightsAndSaysSoInItsResult() throws Exception {
        var frozen = new FrozenForm(Quantization.NF4, true);
        try (RunningChild child =
                start(job.start(TinyJob.quantised(TinyJob.spec(6, 3), frozen), 1, null))) {
            assertThat(child.exit()).isEqualTo(ExitCode.FINISHED);

            ChildReport.Result result = child.last(ChildReport.Result.class);
            Manifest manifest = manifest(result.manifest());
            assertThat(text(manifest, "base_quantization.json"))
                    .contains("\"bnb_4bit_quant_type\" : \"nf4\"", "bnb_4bit_use_double_quant");
            assertThat(result.metrics().get("valid_loss"))
                    .isLessThan(result.metrics().get("valid_loss_before"));
        }
    }

    private String text(Manifest manifest, String name) {
        return new String(
                objects.get(manifest.find(name).orElseThrow().key(), MANIFEST_MAX), UTF_8);
    }

    @Test
    void exportsTheMergedModelAsAFolderOfItsOwn() throws Exception {
        ResolvedSpec spec = TinyJob.spec(8, 3, AdapterSpec.Export.MERGED);
        try (RunningChild child = start(job.start(spec, 1, null))) {
            assertThat(child.exit()).isEqualTo(ExitCode.FINISHED);

            Manifest merged = manifest(child.last(ChildReport.Result.class).manifest());
            Manifest base = manifest(job.base().manifest());
            Map<String, String> hashes = hashes(merged);
            assertThat(hashes)
                    .containsKeys(StepMetrics.CSV, StepMetrics.LINES)
                    .doesNotContainKey(ADAPTER)
                    .containsAllEntriesOf(hashesBeside(base, "model.safetensors"));
            assertThat(hashes.get("model.safetensors"))
                    .isNotEqualTo(hashes(base).get("model.safetensors"));
            Manifest checkpoint = manifest(child.last(ChildReport.Checkpoint.class).manifest());
            assertThat(hashes(checkpoint)).containsKey(ADAPTER);
        }
    }

    private static Map<String, String> hashesBeside(Manifest manifest, String name) {
        Map<String, String> hashes = hashes(manifest);
        hashes.remove(name);
        return hashes;
    }

    @Test
    void aKilledAndResumedRunEndsInTheSameBytes() throws Exception {
        ResolvedSpec spec = TinyJob.spec(300, 20);
        Manifest straight = resultOf(spec, 1, null);

        ChildReport.Checkpoint checkpoint;
        try (RunningChild child = start(job.start(spec, 2, null))) {
            checkpoint = child.await(ChildReport.Checkpoint.class, c -> c.step() >= 40);
            child.kill();
            assertThat(child.exit()).isEqualTo(137);
        }
        Manifest resumed =
                resultOf(spec, 3, new Control.Resume(checkpoint.step(), checkpoint.manifest()));

        assertThat(hashes(resumed)).isEqualTo(hashes(straight)).hasSize(9);
    }

    @Test
    void aPausedRunSavesHandsBackAndGoesOn() throws Exception {
        ResolvedSpec spec = TinyJob.spec(300, 0);
        byte[] straight = adapterOf(spec, 1, null);

        ChildReport.Checkpoint checkpoint;
        try (RunningChild child = start(job.start(spec, 2, null))) {
            ChildReport.Stepped _ = child.await(ChildReport.Stepped.class, s -> s.step() >= 3);
            long asked = System.nanoTime();
            child.send(new ChildCommand.Stop(Reason.PAUSE));
            ChildReport.Stopped stopped = child.await(ChildReport.Stopped.class, _ -> true);
            assertThat(Duration.ofNanos(System.nanoTime() - asked))
                    .isLessThan(Duration.ofSeconds(20));
            assertThat(child.exit()).isEqualTo(ExitCode.HANDED_BACK);
            checkpoint = child.last(ChildReport.Checkpoint.class);
            assertThat(stopped.reason()).isEqualTo(Reason.PAUSE);
            assertThat(checkpoint.step()).isEqualTo(stopped.step()).isLessThan(300);
        }
        byte[] resumed =
                adapterOf(spec, 3, new Control.Resume(checkpoint.step(), checkpoint.manifest()));

        assertThat(resumed).isEqualTo(straight);
    }

    @Test
    void aCancelledRunEndsAtOnceAndWritesNothing() throws Exception {
        try (RunningChild child = start(job.start(TinyJob.spec(100_000, 0), 1, null))) {
            ChildReport.Stepped _ = child.await(ChildReport.Stepped.class, s -> s.step() >= 3);
            long asked = System.nanoTime();
            child.send(new ChildCommand.Stop(Reason.CANCEL));

            assertThat(child.exit()).isEqualTo(ExitCode.HANDED_BACK);
            assertThat(Duration.ofNanos(System.nanoTime() - asked))
                    .isLessThan(Duration.ofSeconds(20));
            assertThat(child.last(ChildReport.Stopped.class).reason()).isEqualTo(Reason.CANCEL);
            assertThat(objects.list("t/proj_", "", 100)).isEmpty();
        }
    }

    /// T7: while no file may grow past one kilobyte, no checkpoint can be written.
    @Test
    void aFullDiskCostsCheckpointsAndNotTheRun() throws Exception {
        assumeTrue(Files.exists(Path.of("/usr/bin/prlimit")), "prlimit (util-linux) is missing");
        try (RunningChild child = start(job.start(TinyJob.spec(3_000, 100), 1, null))) {
            ChildReport.Checkpoint _ = child.await(ChildReport.Checkpoint.class, _ -> true);
            limitFiles(child, "1024");
            long full = child.last(ChildReport.Stepped.class).step();
            ChildReport.Stepped _ =
                    child.await(ChildReport.Stepped.class, s -> s.step() > full + 350);
            limitFiles(child, "unlimited");

            assertThat(child.exit()).isEqualTo(ExitCode.FINISHED);
            assertThat(
                            child.find(
                                    ChildReport.Checkpoint.class,
                                    c -> c.step() > full + 100 && c.step() <= full + 300))
                    .isEmpty();
            assertThat(child.last(ChildReport.Checkpoint.class).step()).isEqualTo(2_900);
        }
    }

    private static void limitFiles(RunningChild child, String bytes) throws Exception {
        Process limit =
                new ProcessBuilder(
                                "/usr/bin/prlimit",
                                "--pid",
                                Long.toString(child.pid()),
                                "--fsize=" + bytes + ":unlimited")
                        .inheritIO()
                        .start();
        assertThat(limit.waitFor()).isZero();
    }

    /// S3 and S4: bytes that changed, and bytes that are gone.
    @Test
    void namesACheckpointThatTheStoreHasLost() throws Exception {
        ChildReport.Checkpoint checkpoint;
        try (RunningChild child = start(job.start(TinyJob.spec(8, 3), 1, null))) {
            assertThat(child.exit()).isEqualTo(ExitCode.FINISHED);
            checkpoint = child.last(ChildReport.Checkpoint.class);
        }
        Path stored =
                folder.resolve("store/objects")
                        .resolve(manifest(checkpoint.manifest()).find(ADAPTER).orElseThrow().key());
        byte[] bytes = Files.readAllBytes(stored);
        bytes[bytes.length / 2] ^= 1;
        Files.write(stored, bytes);
        assertThat(damagedOnResume(checkpoint)).contains("SHA-256");

        Files.delete(stored);
        assertThat(damagedOnResume(checkpoint)).contains("does not exist");
    }

    private String damagedOnResume(ChildReport.Checkpoint checkpoint) throws Exception {
        Control.Resume resume = new Control.Resume(checkpoint.step(), checkpoint.manifest());
        try (RunningChild child = start(job.start(TinyJob.spec(8, 3), 2, resume))) {
            assertThat(child.exit()).isEqualTo(ExitCode.HANDED_BACK);
            ChildReport.Damaged damaged = child.last(ChildReport.Damaged.class);
            assertThat(damaged.manifest()).isEqualTo(checkpoint.manifest());
            return damaged.reason();
        }
    }

    @Test
    void endsWhenItsParentClosesThePipe() throws Exception {
        try (RunningChild child = start(job.start(TinyJob.spec(100_000, 0), 1, null))) {
            ChildReport.Stepped _ = child.await(ChildReport.Stepped.class, s -> s.step() >= 1);
            child.closeCommands();

            assertThat(child.exit()).isEqualTo(ExitCode.HANDED_BACK);
        }
    }

    @Test
    void namesTheOffsetOfACorruptBaseModel() throws Exception {
        Path model = folder.resolve("tiny");
        byte[] weights = Files.readAllBytes(model.resolve("model.safetensors"));
        Files.write(model.resolve("model.safetensors"), Arrays.copyOf(weights, 5_000));
        DirectoryObjects damaged = new DirectoryObjects(folder.resolve("damaged"));
        TinyJob broken = TinyJob.store(damaged, model, TinyJob.rows());

        try (RunningChild child =
                RunningChild.start(
                        folder.resolve("work"),
                        Settings.folder(folder.resolve("damaged")),
                        broken.start(TinyJob.spec(8, 0), 1, null))) {
            assertThat(child.exit()).isEqualTo(ExitCode.USER_ERROR);
            ChildReport.Failed failed = child.last(ChildReport.Failed.class);
            assertThat(failed.errorClass()).isEqualTo(ErrorClass.USER);
            assertThat(failed.code()).isEqualTo(ErrorCode.BASE_MODEL_UNAVAILABLE);
            assertThat(failed.message()).contains("tiny").contains("5000");
            assertThat(child.find(ChildReport.Stepped.class, _ -> true)).isEmpty();
        }
    }

    @Test
    void refusesAJobThatDoesNotFitIntoMemory() throws Exception {
        ChildCommand.Start fits = job.start(TinyJob.spec(8, 0), 1, null);
        try (RunningChild child =
                start(new ChildCommand.Start(fits.attempt(), fits.work(), 64L << 20))) {
            assertThat(child.exit()).isEqualTo(ExitCode.OUT_OF_MEMORY);
            ChildReport.Failed failed = child.last(ChildReport.Failed.class);
            assertThat(failed.errorClass()).isEqualTo(ErrorClass.RESOURCE);
            assertThat(failed.message()).contains("GiB");
        }
    }

    @Test
    void waitsForAStoreThatIsAwayAndThenSaysSo() throws Exception {
        Settings nobody =
                new Settings("http://127.0.0.1:1", "key", "secret", Duration.ofSeconds(2));
        try (RunningChild child =
                RunningChild.start(
                        folder.resolve("work"), nobody, job.start(TinyJob.spec(8, 0), 1, null))) {
            assertThat(child.exit()).isEqualTo(ExitCode.STORAGE);
            ChildReport.Failed failed = child.last(ChildReport.Failed.class);
            assertThat(failed.code()).isEqualTo(ErrorCode.STORAGE_UNAVAILABLE);
        }
    }

    @Test
    void reportsFiguresAndBadRowsOfATrainingFile() throws Exception {
        TinyJob mixed =
                new TinyJob(
                        job.base(),
                        object(
                                TinyJob.rows()
                                        + "not json\n{\"messages\":[{\"role\":\"user\"}]}\n"));
        try (RunningChild child = start(mixed.check())) {
            assertThat(child.exit()).isEqualTo(ExitCode.FINISHED);
            ChildReport.Validated validated = child.last(ChildReport.Validated.class);
            assertThat(validated.problemCount()).isEqualTo(2);
            assertThat(validated.problems()).extracting("line").containsExactly(41L, 42L);
            assertThat(validated.training().rows()).isEqualTo(40);
            assertThat(validated.training().trainedTokens()).isPositive();
            assertThat(validated.model()).extracting("layers").isEqualTo(2);
        }
    }

    private static final TenantId TENANT = new TenantId(new UUID(1, 1));
    private static final JobId OWNER = new JobId(new UUID(5, 5));

    private ChildReport.Validated surveyed(ObjectRef training, ObjectRef validation)
            throws Exception {
        ChildCommand.Validate check =
                new TinyJob(job.base(), training)
                        .check(
                                TENANT,
                                OWNER,
                                Method.SUPERVISED,
                                validation,
                                ValidateTask.Limits.USUAL);
        try (RunningChild child = start(check)) {
            assertThat(child.exit()).isEqualTo(ExitCode.FINISHED);
            return child.last(ChildReport.Validated.class);
        }
    }

    /// One row of each kind: repeated, repeated but for case, in nearly all words, too long, with a
    /// secret, and in the validation file as it is and nearly.
    @Test
    void surveysEveryFileOfAJobAndWritesEveryFindingDown() throws Exception {
        String story =
                "the river runs slowly past the mill where the old miller grinds the grain of the"
                        + " valley every morning before the sun has reached the roofs of town";
        String secret = "sk-proj-" + "a1B2".repeat(12);
        ObjectRef training =
                object(
                        chat("one two", "three")
                                + chat("one two", "three")
                                + chat("One two!", "three")
                                + chat("tell", story)
                                + chat("tell", story + " hall")
                                + chat("key", "my key is " + secret)
                                + chat("long", "word ".repeat(200)));
        ObjectRef validation =
                object(
                        chat("key", "other")
                                + chat("ONE TWO", "three")
                                + chat("tell", story + " gate"),
                        "v");
        ChildReport.Validated validated = surveyed(training, validation);
        DataSurvey survey = Objects.requireNonNull(validated.survey());
        Manifest.Entry report = Objects.requireNonNull(validated.report());

        SurveyedFile trained = survey.files().getFirst();
        assertThat(survey.files())
                .extracting(SurveyedFile::name)
                .containsExactly("training_file", "validation_file");
        assertThat(trained.rows().rows()).isEqualTo(7);
        assertThat(trained.rows().figures().languages()).isNotEmpty();
        TokenCounts tokens = Objects.requireNonNull(trained.tokens());
        assertThat(tokens.context()).isEqualTo(256);
        assertThat(tokens.cutRows()).isEqualTo(1);
        assertThat(tokens.cutTokens()).isEqualTo(tokens.length().max() - 256);
        assertThat(tokens.length().p50()).isPositive().isLessThan(tokens.length().p99());
        assertThat(report.key())
                .startsWith("t/%s/j/%s/findings/".formatted(TENANT.value(), OWNER.value()));
        String lines = new String(objects.get(report.key(), MANIFEST_MAX), UTF_8);
        assertThat(lines.lines().filter(line -> !line.contains("role_order")))
                .map(line -> Json.tree(line))
                .map(line ->
                        "%s %s %s: %s"
                                .formatted(
                                        line.get("file"),
                                        line.get("line"),
                                        line.get("kind"),
                                        line.get("message")))
                .containsExactlyInAnyOrder(
                        "training_file 2 duplicate_row: repeats line 1",
                        "training_file 3 normalised_duplicate: repeats line 1 but for case or"
                                + " punctuation",
                        "training_file 5 near_duplicate: has nearly the words of line 4",
                        "training_file 6 api_key: holds what looks like an API key",
                        "training_file 7 too_long: has %d tokens, %d more than fit"
                                .formatted(tokens.length().max(), tokens.cutTokens()),
                        "validation_file 2 leaked_row: is also line 1 of training_file",
                        "validation_file 3 near_leak: has nearly the words of line 4 of"
                                + " training_file");
        assertThat(survey.findings()).isEqualTo(lines.lines().count());
        assertThat(lines).doesNotContain(secret);
        // The second time the tokens come out of the store, and the rows are looked at all the
        // same.
        ChildReport.Validated again = surveyed(training, validation);
        assertThat(again.notes()).anyMatch(note -> note.contains("tokenised before"));
        assertThat(again.survey()).isEqualTo(survey);
    }

    private static ObjectRef named(ObjectRef object, String name) {
        return new ObjectRef(object.key(), object.bytes(), object.sha256(), name);
    }

    /// A heading with a letter like ö is no known one: only its name makes this file a table.
    @Test
    void theNameOfAFileTellsItsKindAndStandsInWhatIsSaidOfIt() throws Exception {
        String rows = "prompt,completion,größe\nhi,ho,1\nhey,you,1\nhi,ho,1\n";
        ObjectRef training = named(object(rows), "../fa\0q.csv");
        ChildReport.Validated validated = surveyed(training, named(object(rows, "v"), "held.csv"));
        Manifest.Entry report = Objects.requireNonNull(validated.report());

        assertThat(validated.problems()).isEmpty();
        assertThat(Objects.requireNonNull(validated.survey()).files())
                .extracting(SurveyedFile::name)
                .containsExactly(".._fa_q.csv", "held.csv");
        assertThat(new String(objects.get(report.key(), MANIFEST_MAX), UTF_8))
                .contains("\"file\":\".._fa_q.csv\",\"line\":3,\"kind\":\"duplicate_row\"")
                .contains("\"file\":\"held.csv\"", "line 1 of .._fa_q.csv");
        ObjectRef twin = named(object(rows, "v"), "held.csv");
        assertThat(Objects.requireNonNull(surveyed(twin, twin).survey()).files())
                .extracting(SurveyedFile::name)
                .containsExactly("held.csv", "validation_file");
    }

    @Test
    void tokensOfAFileAreMadeOnceForAllJobsOfItsTenantAndForNobodyElse() throws Exception {
        TenantId other = new TenantId(new UUID(1, 2));
        assertThat(notes(job.check())).noneMatch(note -> note.contains("tokenised before"));
        assertThat(notes(job.check())).anyMatch(note -> note.contains("tokenised before"));
        assertThat(
                        notes(
                                job.check(
                                        other,
                                        null,
                                        Method.SUPERVISED,
                                        null,
                                        ValidateTask.Limits.USUAL)))
                .noneMatch(note -> note.contains("tokenised before"));
        assertThat(objects.list("t/%s/tokens/".formatted(other.value()), "", 10)).hasSize(2);
    }

    @Test
    void tokensWithOtherBytesThanTheirNoteSaysAreMadeAgain() throws Exception {
        TenantId tenant = new TenantId(new UUID(1, 1));
        assertThat(notes(job.check())).isNotEmpty();
        String prefix = "t/%s/tokens/".formatted(tenant.value());
        String shard =
                objects.list(prefix, "", 10).stream()
                        .map(ObjectStore.Head::key)
                        .filter(key -> key.endsWith(".tokens"))
                        .findFirst()
                        .orElseThrow();
        objects.delete(shard);
        objects.put(shard, new byte[] {1, 2, 3});

        assertThat(notes(job.check())).noneMatch(note -> note.contains("tokenised before"));
    }

    private List<String> notes(ChildCommand.Validate command) throws Exception {
        try (RunningChild child = start(command)) {
            assertThat(child.exit()).isEqualTo(ExitCode.FINISHED);
            return child.last(ChildReport.Validated.class).notes();
        }
    }

    private static String chat(String question, String answer) {
        return """
        {"messages":[{"role":"user","content":"%s"},{"role":"assistant","content":"%s"}]}
        """
                .formatted(question, answer);
    }

    private ObjectRef object(String rows) {
        return object(rows, "mixed");
    }

    private ObjectRef object(String rows, String name) {
        Stored stored = objects.put("t/a/datasets/" + name, rows.getBytes(UTF_8));
        return new ObjectRef(stored.key(), stored.bytes(), stored.sha256());
    }

    private byte[] adapterOf(ResolvedSpec spec, int epoch, Control.@Nullable Resume resume)
            throws Exception {
        Manifest result = resultOf(spec, epoch, resume);
        return objects.get(result.find(ADAPTER).orElseThrow().key(), MANIFEST_MAX);
    }

    private Manifest resultOf(ResolvedSpec spec, int epoch, Control.@Nullable Resume resume)
            throws Exception {
        try (RunningChild child = start(job.start(spec, epoch, resume))) {
            assertThat(child.exit()).isEqualTo(ExitCode.FINISHED);
            return manifest(child.last(ChildReport.Result.class).manifest());
        }
    }

    private static Map<String, String> hashes(Manifest manifest) {
        return manifest.objects().stream()
                .collect(Collectors.toMap(Manifest.Entry::name, Manifest.Entry::sha256));
    }

    private RunningChild start(ChildCommand command) throws IOException {
        return RunningChild.start(
                folder.resolve("work"), Settings.folder(folder.resolve("store")), command);
    }

    private Manifest manifest(ManifestRef reference) {
        byte[] content = objects.get(reference.key(), MANIFEST_MAX);
        assertThat(Sha256.of(content)).isEqualTo(reference.sha256());
        return Json.read(content, Manifest.class);
    }
}
