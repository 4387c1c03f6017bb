package dev.tunesmith.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What the commands say of a spec before a job is made of it.
final class SpecPlanTest {
    @TempDir Path folder;
    private Path spec = Path.of("");

    @BeforeEach
    void write() throws IOException {
        spec = folder.resolve("spec.yaml");
        Files.writeString(
                spec,
                """
                model: small
                training_file: rows.jsonl
                x_training: {rank: 32, max_seq_len: 512}
                """);
        Files.writeString(
                folder.resolve("rows.jsonl"),
                ("{\"messages\":[]}" + " ".repeat(985) + "\n").repeat(200));
        Files.writeString(
                folder.resolve("config.json"),
                """
                {"architectures": ["LlamaForCausalLM"], "num_hidden_layers": 30, "hidden_size": 576,
                 "num_attention_heads": 9, "num_key_value_heads": 3, "intermediate_size": 1536,
                 "vocab_size": 49152, "max_position_embeddings": 8192, "tie_word_embeddings": true}
                """);
    }

    private Said plan(String command, String... words) {
        var all = new ArrayList<>(List.of(command.split(" ")));
        all.add(spec.toString());
        all.addAll(List.of(words));
        all.addAll(List.of("--model-dir", folder.toString()));
        return Said.by(all.toArray(String[]::new));
    }

    @Test
    void validateListsAllProblemsAtOnce() {
        Said said =
                Said.by(
                        "spec",
                        "validate",
                        spec.toString(),
                        "rank=0",
                        "lrate=1e-4",
                        "n_epochs=many");
        assertThat(said.code()).isEqualTo(ExitCode.USAGE);
        assertThat(said.err())
                .contains("the spec has 3 problems", "x_training.rank", "x_training.lrate")
                .contains("n_epochs");
        assertThat(Said.by("spec", "validate", spec.toString()).out())
                .contains("in order: method supervised of small");
    }

    @Test
    void explainShowsEachValueItsOriginAndTheReason() {
        String out = plan("spec explain", "--memory", "4GiB").out();
        assertThat(out)
                .containsPattern("rank +32 +user")
                .containsPattern("alpha +64.0 +derived +2 × rank")
                .containsPattern("n_epochs +3 +derived +200 rows")
                .containsPattern("weight_decay +0.0 +default")
                .containsPattern("learning_rate +\\S+ +derived +adapter lora");
    }

    @Test
    void planPrintsSectionsAndSaysThatItFits() {
        Said said = plan("plan", "--memory", "4GiB");
        assertThat(said.code()).isZero();
        assertThat(said.out())
                .contains("weights", "gradients", "optimizer", "activations", "workspace")
                .contains("total", "4.00 GiB", "It fits.");
    }

    @Test
    void planCountsTheOtherModels() throws IOException {
        Path large = Files.createDirectory(folder.resolve("large"));
        Files.writeString(
                large.resolve("config.json"),
                Files.readString(folder.resolve("config.json"))
                        .replace("\"hidden_size\": 576", "\"hidden_size\": 1152")
                        .replace("\"num_attention_heads\": 9", "\"num_attention_heads\": 18"));
        Files.writeString(
                spec,
                """
                model: small
                training_file: rows.jsonl
                method: {type: distill}
                x_training: {teacher: big, max_seq_len: 512}
                """);
        Said same = plan("plan");
        assertThat(same.out()).as(same.err()).contains("companions", "teacher 134515008");
        assertThat(plan("plan", "--companion-dir", "teacher=" + large).out())
                .contains("companions")
                .doesNotContain("teacher 134515008");
    }

    @Test
    void planNamesTheCheapestChangeThatMakesItFit() {
        Said said = plan("plan", "adapter=none", "~rank", "micro_batch=8", "--memory", "1500MiB");
        assertThat(said.code()).isEqualTo(ExitCode.USAGE);
        assertThat(said.out())
                .contains("It does not fit. The cheapest change that makes it fit: micro_batch 1");
    }

    @Test
    void sizesAreReadAsPeopleWriteThem() {
        assertThat(PlanOptions.bytes("8GiB")).isEqualTo(8L << 30);
        assertThat(PlanOptions.bytes("512m")).isEqualTo(512L << 20);
        assertThat(PlanOptions.bytes("1000")).isEqualTo(1000);
    }
}
