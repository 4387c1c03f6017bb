package dev.tunesmith.contracts.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.fit.Recompute;
import dev.tunesmith.contracts.method.Divergence;
import dev.tunesmith.contracts.method.GroupLoss;
import dev.tunesmith.contracts.method.GroupSettings.Advantage;
import dev.tunesmith.contracts.method.KlEstimator;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodSettings.Kto;
import dev.tunesmith.contracts.method.PairLoss;
import dev.tunesmith.contracts.method.TokenLoss;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// Every word that an option can have is taken from a create body and stands in the resolved spec;
/// that each of them runs is asked in the engine's `EveryOfferTest` and `ResumeTest`.
final class EveryWordTest {

    static Stream<Arguments> words() {
        return Stream.of(
                        all(Method.SUPERVISED, "loss_type", TokenLoss.values(), TokenLoss::wire),
                        all(Method.DPO, "loss_type", PairLoss.values(), PairLoss::wire),
                        all(Method.DPO, "f_divergence_type", Divergence.values(), Divergence::wire),
                        all(Method.KTO, "loss_type", Kto.Variant.values(), Kto.Variant::wire),
                        of(Method.CPO, "loss_type", "sigmoid", "hinge", "ipo"),
                        of(Method.ORPO, "orpo_nll", "response", "full", "rows"),
                        all(Method.PPO, "kl_estimator", KlEstimator.values(), KlEstimator::wire),
                        of(Method.GRPO, "loss_type", namedLosses()),
                        of(Method.GRPO, "importance_sampling_level", "token", "sequence"),
                        of(
                                Method.GRPO,
                                "scale_rewards",
                                Arrays.stream(Advantage.values())
                                        .filter(Advantage::hasName)
                                        .map(kind -> kind.name().toLowerCase(Locale.ROOT))
                                        .toArray(String[]::new)),
                        all(Method.SUPERVISED, "overflow", Overflow.values(), Overflow::wire),
                        all(Method.SUPERVISED, "precision", Precision.values(), Precision::wire),
                        all(Method.SUPERVISED, "recompute", Recompute.values(), Recompute::wire))
                .flatMap(words -> words);
    }

    /// The loss of method `rloo` has no name of its own.
    private static String[] namedLosses() {
        return Arrays.stream(GroupLoss.Kind.values())
                .filter(kind -> kind != GroupLoss.Kind.RLOO)
                .map(kind -> kind.name().toLowerCase(Locale.ROOT))
                .toArray(String[]::new);
    }

    private static <T> Stream<Arguments> all(
            Method method, String key, T[] values, Function<T, String> wire) {
        return of(method, key, Arrays.stream(values).map(wire).toArray(String[]::new));
    }

    private static Stream<Arguments> of(Method method, String key, String... words) {
        return Arrays.stream(words).map(word -> Arguments.of(method, key, word));
    }

    @ParameterizedTest
    @MethodSource("words")
    void isTakenAndShown(Method method, String key, String word) {
        Map<String, Object> shown =
                MethodOptionsTest.flat(method, "", "\"%s\":\"%s\"".formatted(key, word));
        Object value = shown.get(key);
        assertThat(value instanceof List<?> list ? list.getFirst() : value).isEqualTo(word);
    }

    @ParameterizedTest
    @EnumSource(Method.class)
    void everyMethodIsAskedForByItsName(Method method) {
        String teacher = method == Method.DISTILL ? "\"teacher\":\"qwen2-0.5b\"" : "";
        assertThat(MethodOptionsTest.flat(method, "", teacher)).containsKey("learning_rate");
        String own =
                method.rowKind() == Method.RowKind.PROMPT
                        ? "\"grader\":{\"type\":\"string_check\",\"operation\":\"eq\",\"input\":\"a\",\"reference\":\"b\"}"
                        : "";
        JobSpec spec =
                Bodies.spec(
                        "\"method\":{\"type\":\"%1$s\",\"%1$s\":{%2$s}},\"x_training\":{%3$s}"
                                .formatted(method.wire(), own, teacher));
        assertThat(spec.method()).isEqualTo(method);
    }
}
