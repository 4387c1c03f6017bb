package dev.tunesmith.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tunesmith.contracts.job.JobRules;
import dev.tunesmith.contracts.job.Lookup;
import dev.tunesmith.contracts.problem.Problem;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/// Thirty-nine files as users of other trainers have them.
final class ForeignSpecTest {
    private static final Path FILES = Path.of("src/test/resources/foreign");
    private static final String ANY_FILE = "file-" + "0".repeat(32);

    @TempDir Path folder;

    static List<Path> accepted() throws IOException {
        try (Stream<Path> files = Files.walk(FILES)) {
            return files.filter(file -> file.toString().matches(".*\\.ya?ml"))
                    .filter(file -> !file.toString().contains("refused"))
                    .sorted()
                    .toList();
        }
    }

    private static ForeignSpec read(Path file, String... words) {
        String trainer = FILES.relativize(file).getName(0).toString();
        return ForeignSpec.read(trainer, file, List.of(words));
    }

    private static ForeignSpec read(String file, String... words) {
        return read(FILES.resolve(file), words);
    }

    /// Everything that the platform would say of a body whose model and files exist.
    private static List<String> problems(ObjectNode body) {
        SpecFile.files(body).forEach(place -> place.put(ANY_FILE));
        Set<String> models =
                new TreeSet<>(
                        Set.of(
                                "reward",
                                "Llama-3.1-8B-Instruct",
                                "tone-sft",
                                "tone-lora",
                                "rso-start"));
        models.add(body.path("model").asText());
        @SuppressWarnings("unchecked")
        Map<String, Object> tree = Api.JSON.convertValue(body, Map.class);
        return switch (JobRules.check(tree, new Lookup.AnyFile(models))) {
            case JobRules.Ok _ -> List.of();
            case JobRules.Bad(List<Problem> found) ->
                    found.stream().map(Problem::toString).toList();
        };
    }

    @Test
    void thereAreTenFilesAndMoreOfEachTrainer() throws IOException {
        assertThat(accepted()).hasSize(36);
    }

    /// The specs beside are what a person wrote who has read the files.
    @ParameterizedTest
    @MethodSource("accepted")
    void translatesEachValue(Path file) throws IOException {
        Path wanted = Path.of("src/test/resources/translated").resolve(FILES.relativize(file));
        assertThat(read(file).yaml().replace(FILES.toAbsolutePath() + "/", ""))
                .isEqualTo(Files.readString(wanted));
    }

    @ParameterizedTest
    @MethodSource("accepted")
    void isAcceptedByThePlatform(Path file) {
        ForeignSpec spec = read(file, "training_file=given.jsonl");
        spec.check(false);
        assertThat(problems(spec.body())).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("accepted")
    void everyOptionIsMappedOrIgnoredWithAReason(Path file) {
        var out = new ByteArrayOutputStream();
        read(file).explain(new PrintStream(out, true, StandardCharsets.UTF_8));
        assertThat(out.toString(StandardCharsets.UTF_8).lines())
                .allMatch(line -> line.matches("(mapped|assumed|ignored)\\s.*[→—] \\S.*"));
    }

    @Test
    void translatesASupervisedRunOfLlamaFactory() {
        JsonNode body = read("llamafactory/lora-sft.yaml").body();
        assertThat(body.path("model").asText()).isEqualTo("Meta-Llama-3-8B-Instruct");
        assertThat(body.at("/method/supervised/hyperparameters/n_epochs").asInt()).isEqualTo(3);
        assertThat(body.path("x_training").toString())
                .contains("\"rank\":8", "\"micro_batch\":1", "\"gradient_accumulation_steps\":8")
                .contains("\"target_modules\":[\"all-linear\"]", "\"val_size\":0.1")
                .contains("\"learning_rate\":1.0E-4", "\"scheduler\":\"cosine\"");
    }

    @Test
    void assumesWhatTheOtherTrainerDoes() {
        JsonNode body = read("llamafactory/simpo.yaml").body();
        assertThat(body.at("/x_training/rank").asInt()).isEqualTo(8);
        assertThat(body.at("/method/type").asText()).isEqualTo("simpo");
        assertThat(body.at("/method/simpo/hyperparameters/beta").asDouble()).isEqualTo(2);
        assertThat(body.at("/suffix").asText()).isEqualTo("simpo-first-try");
    }

    @Test
    void followsReferencesAndCountsStepsOfAllEpochs() {
        JsonNode body = read("torchtune/qlora-chat.yaml").body();
        assertThat(body.at("/x_training/max_steps").asInt()).isEqualTo(100);
        assertThat(body.at("/x_training/adapter").asText()).isEqualTo("qlora");
        assertThat(body.at("/x_training/target_modules").toString())
                .isEqualTo(
                        "[\"q_proj\",\"v_proj\",\"o_proj\",\"gate_proj\",\"up_proj\",\"down_proj\"]");
    }

    @Test
    void settingsOfAnAdapterThatIsNotUsedAreIgnoredWithTheReason() {
        var out = new ByteArrayOutputStream();
        ForeignSpec spec = read("llamafactory/full-sft.yaml");
        spec.explain(new PrintStream(out, true, StandardCharsets.UTF_8));
        assertThat(spec.body().path("x_training").has("rank")).isFalse();
        assertThat(spec.body().at("/x_training/mixture_of_depths").asText()).isEqualTo("convert");
        assertThat(out.toString(StandardCharsets.UTF_8))
                .containsPattern("ignored +lora_rank +8 +— adapter none has no rank");
    }

    /// A reference of its own is one, and so is an adapter that makes one; the model in training,
    /// or one that a method does not look at, is none.
    @Test
    void referencesAreModelsOfThePlatform() {
        assertThat(explained("llamafactory/ftx.yaml"))
                .containsPattern("mapped +ref_model +.*x_training.reference: tone-sft");
        assertThat(explained("llamafactory/kto.yaml"))
                .containsPattern("ignored +ref_model +.*the base of the adapter that is the refer");
        assertThat(explained("llamafactory/simpo.yaml"))
                .containsPattern(
                        "ignored +ref_model +.*method simpo is compared with no reference");
        assertThat(explained("torchtune/lora-dpo.yaml"))
                .containsPattern(
                        "ignored +ref_checkpointer.checkpoint_dir .*the model in training");
        assertThat(explained("axolotl/dpo.yml"))
                .containsPattern("mapped +rl_adapter_ref_model +.*x_training.reference: base");
    }

    /// The names of optimizers of transformers, which both trainers hand on.
    @ParameterizedTest
    @CsvSource({
        "adamw_torch, ",
        "adamw_torch_fused, ",
        "adamw_hf, ",
        "adamw_apex_fused, ",
        "paged_adamw_32bit, ",
        "adamw_8bit, adamw_8bit",
        "adamw_bnb_8bit, adamw_8bit",
        "adamw_torch_8bit, adamw_8bit",
        "paged_adamw_8bit, adamw_8bit",
        "adafactor, adafactor",
        "sgd, sgd",
        "lion_32bit, lion",
        "paged_lion_8bit, lion",
        "galore_adamw, galore",
        "apollo_adamw, apollo",
        "lomo, lomo",
        "adalomo, adalomo",
        "schedule_free_adamw, schedule_free"
    })
    void namesOfOptimizersAreUnderstood(String name, @Nullable String ours) throws IOException {
        for (String file : List.of("llamafactory/full-sft.yaml", "axolotl/fft.yml")) {
            String trainer = file.substring(0, file.indexOf('/'));
            String key = trainer.equals("axolotl") ? "optimizer" : "optim";
            Path own = folder.resolve("own.yml");
            Files.writeString(
                    own,
                    Files.readString(FILES.resolve(file))
                                    .replaceAll("(?m)^%s:.*\n".formatted(key), "")
                            + "\n%s: %s\n".formatted(key, name));
            ForeignSpec spec = ForeignSpec.read(trainer, own, List.of("training_file=given.jsonl"));
            spec.check(false);
            JsonNode optimizer = spec.body().at("/x_training/optimizer");
            assertThat(
                            optimizer.isObject()
                                    ? optimizer.path("type").asText()
                                    : optimizer.asText(null))
                    .as(file)
                    .isEqualTo(ours);
        }
    }

    private static String explained(String file) {
        var out = new ByteArrayOutputStream();
        read(file).explain(new PrintStream(out, true, StandardCharsets.UTF_8));
        return out.toString(StandardCharsets.UTF_8);
    }

    @Test
    void refusesWithTheNearestEquivalentAllAtOnce() {
        assertThatThrownBy(() -> read("llamafactory/refused.yaml").check(false))
                .isInstanceOfSatisfying(
                        CommandFailure.class,
                        e -> {
                            assertThat(e.exitCode()).isEqualTo(ExitCode.USAGE);
                            assertThat(String.join("\n", e.problems()))
                                    .contains(
                                            "reward_model_type: api",
                                            "a job of method reward_model")
                                    .contains("pref_ftx: 0.5 cannot be had (method dpo; ppo")
                                    .contains("saves/sft,saves/tone", "one adapter")
                                    .contains(
                                            "ref_model_adapters: saves/sft,saves/both",
                                            "which names its base itself")
                                    .contains("template: lama3", "template: chatml")
                                    .doesNotContain("stage", "answers are scored by graders")
                                    .contains(
                                            "quantization_bit: 8 cannot be had (quantization_bit: 4)")
                                    .contains("lora_rnak", "is lora_rank meant?")
                                    .contains("val_size: 1.5", "val_size: 0.1")
                                    .contains("lr_scheduler_type: magic", "cosine")
                                    .contains("remote_set", "training_file=FILE");
                        });
        assertThatThrownBy(() -> read("torchtune/refused.yaml").check(false))
                .isInstanceOfSatisfying(
                        CommandFailure.class,
                        e ->
                                assertThat(String.join("\n", e.problems()))
                                        .contains("kd_loss", "ForwardKLLoss", "distill_beta: 0.5")
                                        .contains(
                                                "GRPOSimpleLoss cannot be had (method: {type: grpo}")
                                        .doesNotContain("kd_ratio", "method supervised")
                                        .contains("RMSprop", "AdamW", "shuffle", "fp16")
                                        .contains("is gradient_accumulation_steps meant?"));
        assertThatThrownBy(() -> read("axolotl/refused.yml").check(false))
                .isInstanceOfSatisfying(
                        CommandFailure.class,
                        e ->
                                assertThat(String.join("\n", e.problems()))
                                        .contains(
                                                "trl.reward_funcs",
                                                "method: {type: grpo, grpo: {grader")
                                        .contains("load_in_8bit", "one_cycle", "relora")
                                        .doesNotContain("trl.num_generations", "rl: grpo"));
    }

    /// The only thing of such a file that we cannot have is its code.
    @Test
    void groupsOfAnswersNeedAGraderAndNothingElse() {
        ForeignSpec spec =
                read(
                        "axolotl/refused.yml",
                        "training_file=mine.jsonl",
                        "method.grpo.grader.type=string_check",
                        "method.grpo.grader.operation=eq",
                        "method.grpo.grader.input='{{sample.output_text}}'",
                        "method.grpo.grader.reference='{{item.answer}}'");
        spec.check(true);
        assertThat(problems(spec.body().deepCopy()))
                .singleElement()
                .asString()
                .contains("early_stopping_patience", "listens to evaluations");
        assertThat(spec.body().at("/method/type").asText()).isEqualTo("grpo");
        assertThat(spec.body().at("/x_training/num_generations").asInt()).isEqualTo(4);
    }

    @Test
    void secretsDoNotReachTheSpec() {
        assertThat(read("llamafactory/refused.yaml").body().toString()).doesNotContain("abc123");
    }

    /// What the command prints goes to logs of pipelines.
    @ParameterizedTest
    @CsvSource({
        "llamafactory, swanlab_api_key",
        "llamafactory, hf_hub_token",
        "axolotl, wandb_api_key",
        "axolotl, hf_use_auth_token",
        "axolotl, my_secret",
        "torchtune, metric_logger.api_key",
        "torchtune, wandb_token"
    })
    void secretsAreNotPrinted(String trainer, String key) throws IOException {
        String last = key.substring(key.indexOf('.') + 1);
        String owner = key.contains(".") ? "metric_logger:\n  " : "";
        Path file =
                Files.writeString(
                        folder.resolve("leaky.yaml"), "%s%s: abc123\n".formatted(owner, last));
        ForeignSpec spec = ForeignSpec.read(trainer, file, List.of("model=nano"));
        var out = new ByteArrayOutputStream();
        spec.explain(new PrintStream(out, true, StandardCharsets.UTF_8));
        assertThat(out.toString(StandardCharsets.UTF_8))
                .contains(last)
                .contains("***")
                .doesNotContain("abc123");
        assertThatThrownBy(() -> spec.check(false))
                .isInstanceOfSatisfying(
                        CommandFailure.class,
                        e -> assertThat(e.getMessage() + e.problems()).doesNotContain("abc123"));
        assertThat(spec.yaml()).doesNotContain("abc123");
    }

    @Test
    void writesTheRowsOfDatasetInfoAsOurs() throws IOException {
        assertThat(rows("llamafactory/lora-sft.yaml"))
                .hasSize(4)
                .contains(
                        "{\"messages\":[{\"role\":\"system\",\"content\":\"Answer briefly.\"},{\"role\":\"user\",\"content\":\"When do you open?\"},{\"role\":\"assistant\",\"content\":\"At nine.\"}]}")
                .anyMatch(row -> row.contains("Say it in one word.\\nWho are you?"));
        assertThat(rows("llamafactory/dpo.yaml").getFirst())
                .startsWith("{\"input\":{\"messages\":[")
                .contains("preferred_output", "non_preferred_output");
        assertThat(rows("llamafactory/kto.yaml").getLast())
                .contains("\"completion\":[", "\"label\":false");
        assertThat(rows("llamafactory/pretrain.yaml").getFirst())
                .isEqualTo("{\"text\":\"The Aare flows through Bern.\"}");
        assertThat(rows("llamafactory/freeze.yaml").getFirst())
                .contains("\"tool_calls\":[{\"id\":\"call_1\"", "\"tool_call_id\":\"call_1\"");
    }

    @Test
    void writesTheRowsOfTheOthersAsOurs() throws IOException {
        assertThat(rows("torchtune/lora-instruct.yaml").getFirst())
                .contains("Capital of Peru?", "Lima");
        assertThat(rows("torchtune/dora-chat.yaml").getFirst()).contains("Hello");
        assertThat(rows("torchtune/lora-dpo.yaml").getFirst()).contains("non_preferred_output");
        assertThat(rows("torchtune/completion.yaml").getFirst())
                .isEqualTo("{\"text\":\"A text.\"}");
        assertThat(rows("axolotl/qlora.yml")).hasSize(2);
        assertThat(rows("axolotl/dpo.yml").getFirst()).contains("Be kind.", "Greet me.");
        assertThat(rows("axolotl/kto.yml").getFirst()).contains("\"label\":true");
        assertThat(rows("axolotl/pretrain.yml").getFirst()).isEqualTo("{\"text\":\"A text.\"}");
    }

    @Test
    void severalSetsBecomeTheDataOfTheJob() throws IOException {
        JsonNode training = written("llamafactory/mixed-sft.yaml").path("x_training");
        assertThat(training.path("data").findValuesAsText("name"))
                .containsExactly("identity", "faq", "support_openai");
        assertThat(training.path("mix_strategy").asText()).isEqualTo("interleave_over");
        assertThat(training.path("interleave_probs").toString()).isEqualTo("[0.2,0.5,0.3]");
        assertThat(training.path("row_order").asText()).isEqualTo("given");
        assertThat(training.path("data").findValuesAsText("file"))
                .allMatch(file -> file.endsWith(".jsonl"))
                .anyMatch(file -> file.endsWith("2-faq.jsonl"));

        JsonNode torchtune = written("torchtune/mixed.yaml");
        assertThat(torchtune.path("training_file").isMissingNode()).isTrue();
        assertThat(rowsOf(torchtune)).hasSize(2).allMatch(rows -> !rows.isEmpty());
        assertThat(rowsOf(torchtune).getFirst().getFirst()).contains("Capital of Peru?");

        JsonNode axolotl = written("axolotl/mixed.yml");
        assertThat(rowsOf(axolotl)).hasSize(3).allMatch(rows -> !rows.isEmpty());
        assertThat(axolotl.at("/x_training/deduplicate").asText()).isEqualTo("exact");
    }

    @Test
    void aFileGivenByHandTakesThePlaceOfAllSets() {
        JsonNode body = read("llamafactory/mixed-sft.yaml", "training_file=mine.jsonl").body();
        assertThat(body.path("training_file").asText()).isEqualTo("mine.jsonl");
        assertThat(body.path("x_training").has("data")).isFalse();
        assertThat(body.path("x_training").has("interleave_probs")).isFalse();
    }

    /// The body of a file whose rows are written; the platform has nothing against it.
    private ObjectNode written(String file) {
        ForeignSpec spec = read(file);
        spec.check(false);
        spec.writeRows(folder);
        assertThat(problems(spec.body().deepCopy())).isEmpty();
        return spec.body();
    }

    /// The rows of each training file.
    private static List<List<String>> rowsOf(JsonNode body) throws IOException {
        List<String> files =
                body.has("training_file")
                        ? List.of(body.path("training_file").asText())
                        : body.at("/x_training/data").findValuesAsText("file");
        var rows = new ArrayList<List<String>>();
        for (String file : files) {
            rows.add(Files.readAllLines(Path.of(file)));
        }
        return rows;
    }

    private List<String> rows(String file) throws IOException {
        return rowsOf(written(file)).stream().flatMap(List::stream).toList();
    }

    @Test
    void theSpecIsYamlThatReadsBack() throws IOException {
        ForeignSpec spec = read("llamafactory/qlora-sft.yaml");
        Path file = folder.resolve("spec.yaml");
        Files.writeString(file, spec.yaml());
        assertThat(SpecFile.read(file).body().toString()).isEqualTo(spec.body().toString());
    }
}
