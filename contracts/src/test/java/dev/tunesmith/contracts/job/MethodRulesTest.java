package dev.tunesmith.contracts.job;

import static dev.tunesmith.contracts.job.Bodies.problem;
import static dev.tunesmith.contracts.job.Bodies.spec;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.method.GroupSettings;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodSettings;
import dev.tunesmith.contracts.problem.Problem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// Keys that a method has no use for are refused, not ignored.
class MethodRulesTest {

    private static final String GRADER =
            """
            "grader":{"type":"string_check","operation":"eq","name":"same",
              "input":"{{sample.output_text}}","reference":"{{item.reference_answer}}"}\
            """;

    /// A body's method, with the grader that it may need.
    private static String method(Method method) {
        MethodSettings usual = method.defaults();
        boolean graded = method == Method.PPO || usual instanceof GroupSettings;
        return "\"method\":{\"type\":\"%1$s\",\"%1$s\":{%2$s}}"
                .formatted(method.wire(), graded ? GRADER : "");
    }

    private static String training(Method method, String keys) {
        String teacher = method == Method.DISTILL ? "\"teacher\":\"nano\"," : "";
        return "%s,\"x_training\":{%s%s}".formatted(method(method), teacher, keys);
    }

    @ParameterizedTest
    @EnumSource(
            value = Method.class,
            mode = EnumSource.Mode.EXCLUDE,
            names = {"SUPERVISED", "PRETRAIN", "DISTILL"})
    void methodsThatCompareAnswersRefusePacking(Method method) {
        assertThat(spec(training(method, "\"packing\":false")).method()).isEqualTo(method);
        Problem problem = problem(training(method, "\"packing\":true"));
        assertThat(problem.param()).isEqualTo("x_training.packing");
        assertThat(problem.message()).contains(method.wire(), "without padding already");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "hinge|0.1|changes nothing with loss_type hinge",
                "ipo|0.2|changes nothing with loss_type ipo"
            })
    void comparisonsWithoutAReferenceRefuseSmoothingThatTheyIgnore(
            String loss, double smoothing, String message) {
        Problem problem =
                problem(
                        training(
                                Method.CPO,
                                "\"loss_type\":\"%s\",\"label_smoothing\":%s"
                                        .formatted(loss, smoothing)));
        assertThat(problem.param()).isEqualTo("x_training.label_smoothing");
        assertThat(problem.message()).contains(message);
    }

    /// LUSPO is a loss of whole answers; a ratio of each token has to be asked for.
    @Test
    void luspoSeesWholeAnswers() {
        assertThat(perSequence("\"loss_type\":\"luspo\"")).isTrue();
        assertThat(perSequence("\"loss_type\":\"sapo\"")).isFalse();
        assertThat(perSequence("\"loss_type\":\"luspo\",\"importance_sampling_level\":\"token\""))
                .isFalse();
    }

    private static boolean perSequence(String keys) {
        JobSpec spec = spec(training(Method.GRPO, keys));
        return ((GroupSettings) spec.choice().settings()).loss().perSequence();
    }
}
