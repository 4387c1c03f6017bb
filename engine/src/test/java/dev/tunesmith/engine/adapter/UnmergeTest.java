package dev.tunesmith.engine.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.nn.Linear;
import dev.tunesmith.engine.nn.change.Change;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A weight that an adapter was merged into becomes what it was when it is taken out again.
class UnmergeTest {

    /// Rounding of merging and of taking out, relative to the largest weight: norms, rotations and
    /// divisions by factors near 0 lose a few bits each.
    private static final double TOLERANCE = 2e-5;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "lora_all_linear",
                "lora_rank_pattern",
                "rslora",
                "dora",
                "ia3",
                "vera",
                "oft_exact",
                "boft",
                "adalora"
            })
    void givesBackTheWeightUpToRounding(String name) {
        try (Decoder decoder = FiveTokens.load(FiveTokens.base("llama"));
                Adapter _ =
                        Adapter.load(decoder, FiveTokens.GOLDEN.resolve(name).resolve("adapter"))) {
            List<Linear> changed =
                    decoder.linears().stream().filter(l -> l.change().isPresent()).toList();
            assertThat(changed).isNotEmpty();
            changed.forEach(linear -> check(linear, linear.change().orElseThrow()));
        }
    }

    private static void check(Linear linear, Change change) {
        float[] base_OI = linear.weight().values();
        int inputs = (int) linear.weight().inputs();
        float[] weight_OI = base_OI.clone();
        change.mergeWeight(weight_OI, inputs);
        assertThat(distance(weight_OI, base_OI)).as(linear.name()).isGreaterThan(100 * TOLERANCE);
        change.unmergeWeight(weight_OI, base_OI, inputs);
        assertThat(distance(weight_OI, base_OI)).as(linear.name()).isLessThan(TOLERANCE);
    }

    private static double distance(float[] found, float[] wanted) {
        double worst = 0;
        double largest = 0;
        for (int i = 0; i < wanted.length; i++) {
            worst = Math.max(worst, Math.abs(found[i] - wanted[i]));
            largest = Math.max(largest, Math.abs(wanted[i]));
        }
        return worst / largest;
    }
}
