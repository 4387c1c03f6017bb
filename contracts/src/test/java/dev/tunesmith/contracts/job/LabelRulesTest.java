package dev.tunesmith.contracts.job;

import static dev.tunesmith.contracts.job.Bodies.problem;
import static dev.tunesmith.contracts.job.Bodies.spec;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.problem.Problem;
import java.util.List;
import org.junit.jupiter.api.Test;

/// What a job is called and where it is reported: metadata and trackers.
final class LabelRulesTest {
    @Test
    void takesReservedMetadataForTheKeysTheyNameUnlessThoseAreThere() {
        JobSpec spec =
                spec(
                        """
                        "metadata":{"x.rank":"4","x.adapter":"lora","x.priority":"5","x.max_seq_len":"64",
                          "x.client_job_id":"17","x.method":"supervised","team":"a"},
                        "x_training":{"max_seq_len":128}
                        """);
        assertThat(spec.training().adapter().rank()).isEqualTo(4);
        assertThat(spec.training().rows().maxSeqLen()).isEqualTo(128);
        assertThat(spec.scheduling().priority()).isEqualTo(5);
        assertThat(spec.labels().clientJobId()).isEqualTo("17");
        assertThat(spec.labels().metadata()).containsEntry("team", "a").containsKey("x.rank");
        assertThat(problem("\"metadata\":{\"x.rnak\":\"4\"}").suggestion()).isEqualTo("x.rank");
        assertThat(problem("\"metadata\":{\"x.rank\":\"0\"}").param()).isEqualTo("x_training.rank");
    }

    @Test
    void keepsMetadataWithinItsLimits() {
        assertThat(problem("\"metadata\":{\"a\":1}").param()).isEqualTo("metadata.a");
        assertThat(problem("\"metadata\":{\"%s\":\"v\"}".formatted("k".repeat(65))).message())
                .contains("at most 64");
        assertThat(problem("\"metadata\":{\"k\":\"%s\"}".formatted("v".repeat(513))).message())
                .contains("at most 512");
        String pairs =
                String.join(
                        ",",
                        java.util.stream.IntStream.range(0, 17)
                                .mapToObj(i -> "\"k%d\":\"v\"".formatted(i))
                                .toList());
        assertThat(problem("\"metadata\":{" + pairs + "}").message()).contains("at most 16");
        assertThat(problem("\"metadata\":[]").message()).contains("an object");
    }

    @Test
    void checksIntegrations() {
        JobSpec spec =
                spec(
                        "\"integrations\":[{\"type\":\"wandb\",\"wandb\":{\"project\":\"p\",\"tags\":[\"t\"]}}]");
        assertThat(spec.labels().integrations())
                .containsExactly(
                        new JobSpec.Integration(
                                JobSpec.Tracker.WANDB, "p", null, null, List.of("t")));
        assertThat(problem("\"integrations\":[{\"type\":\"wandb\",\"wandb\":{}}]").param())
                .isEqualTo("integrations.0.wandb.project");
        assertThat(
                        problem(
                                        "\"integrations\":[{\"type\":\"nobody\",\"wandb\":{\"project\":\"p\"}}]")
                                .param())
                .isEqualTo("integrations.0.type");
        assertThat(problem("\"integrations\":7").message()).contains("a list");
    }

    @Test
    void takesNoSecretsOfTrackers() {
        Problem key =
                problem(
                        "\"integrations\":[{\"type\":\"wandb\",\"wandb\":{\"project\":\"p\",\"api_key\":\"k-123\"}}]");
        assertThat(key.param()).isEqualTo("integrations.0.wandb.api_key");
        assertThat(key.text()).contains("the platform is given keys").doesNotContain("k-123");
    }
}
