package dev.tunesmith.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SpecFileTest {
    @TempDir Path folder;

    @Test
    void anExponentIsANumberAndNoIsAWord() throws IOException {
        SpecFile spec = read("model: nano\nx_training: { learning_rate: 1e-4 }\nsuffix: no\n");
        assertThat(spec.body().at("/x_training/learning_rate").isNumber()).isTrue();
        assertThat(spec.body().path("suffix").asText()).isEqualTo("no");
    }

    @Test
    void bareKeysGoWhereTheyBelong() {
        SpecFile spec =
                SpecFile.empty().with(List.of("model=nano", "n_epochs=2", "rank=8", "lr=2e-4"));
        assertThat(spec.body().path("model").asText()).isEqualTo("nano");
        assertThat(spec.body().at("/method/supervised/hyperparameters/n_epochs").asInt())
                .isEqualTo(2);
        assertThat(spec.body().at("/method/type").asText()).isEqualTo("supervised");
        assertThat(spec.body().at("/x_training/rank").asInt()).isEqualTo(8);
        assertThat(spec.body().at("/x_training/learning_rate").asDouble()).isEqualTo(2e-4);
    }

    @Test
    void aValueMayHoldAnEqualsSign() {
        assertThat(SpecFile.empty().with(List.of("suffix=a=b")).body().path("suffix").asText())
                .isEqualTo("a=b");
    }

    @Test
    void appendsAndRemovesAndTheLastWordWins() {
        SpecFile spec =
                SpecFile.empty()
                        .with(
                                List.of(
                                        "x_training.target_modules+=q_proj",
                                        "x_training.target_modules+=v_proj",
                                        "rank=4",
                                        "rank=16",
                                        "seed=1",
                                        "~seed"));
        assertThat(spec.body().at("/x_training/target_modules").toString())
                .isEqualTo("[\"q_proj\",\"v_proj\"]");
        assertThat(spec.body().at("/x_training/rank").asInt()).isEqualTo(16);
        assertThat(spec.body().has("seed")).isFalse();
    }

    @Test
    void nullUnsetsASettingAndWhatIsNotThereCannotBeRemoved() {
        SpecFile spec =
                SpecFile.empty()
                        .with(
                                List.of(
                                        "rank=8",
                                        "rank=null",
                                        "suffix=",
                                        "lora_alpha=null",
                                        "eval_samples=4"));
        assertThat(spec.body().path("x_training").has("rank")).isFalse();
        assertThat(spec.body().has("suffix")).isFalse();
        assertThat(spec.body().at("/method/supervised/hyperparameters/eval_samples").asInt())
                .isEqualTo(4);
        assertThatThrownBy(() -> SpecFile.empty().with(List.of("~lora_rank")))
                .hasMessageContaining("overrides")
                .extracting(e -> ((CommandFailure) e).problems().getFirst())
                .asString()
                .isEqualTo("~lora_rank: the spec has no x_training.rank");
    }

    @Test
    void reportsEveryWordThatIsNotAnOverride() {
        assertThatThrownBy(() -> SpecFile.empty().with(List.of("what", "rank=1", "else")))
                .isInstanceOfSatisfying(
                        CommandFailure.class,
                        e -> {
                            assertThat(e.problems()).hasSize(2);
                            assertThat(e.exitCode()).isEqualTo(ExitCode.USAGE);
                        });
    }

    @Test
    void namesTheLineOfBrokenYaml() {
        assertThatThrownBy(() -> read("model: [a\nsuffix: b\n")).hasMessageContaining("line 2");
    }

    @Test
    void pathsAreRelativeToTheSpec() throws IOException {
        SpecFile spec = read("training_file: data/a.jsonl\n");
        assertThat(spec.body().path("training_file").asText())
                .isEqualTo(folder.resolve("data/a.jsonl").toString());
    }

    private SpecFile read(String yaml) throws IOException {
        Path file = folder.resolve("spec.yaml");
        Files.writeString(file, yaml);
        return SpecFile.read(file);
    }

    @Test
    void yamlAndJsonAreTheSameSpec() throws IOException {
        String yaml =
                """
                model: nano
                suffix: no
                x_training:
                  learning_rate: 1.0e-4
                  target_modules: [q_proj, v_proj]
                  use_rslora: true
                """;
        SpecFile first = read(yaml);
        SpecFile json = read(first.body().toPrettyString());
        SpecFile again = read(SpecFile.yaml(json.body()));
        assertThat(json.body()).isEqualTo(first.body());
        assertThat(again.body()).isEqualTo(first.body());
    }
}
