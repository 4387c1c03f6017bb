package dev.tunesmith.engine.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Map;
import org.junit.jupiter.api.Test;

final class SamplerTest {
    private static final int DRAWS = 20_000;

    @Test
    void temperatureZeroTakesTheLowestIdOfEquals() {
        assertThat(sampler(0, 1, 0, 0).draw(new float[] {1, 3, 3}, 0).token()).isEqualTo(1);
    }

    @Test
    void drawsFollowTheDistribution() {
        int[] counts = counts(sampler(1, 1, 0, 0), 0, (float) Math.log(3));
        assertThat(counts[1] / (double) DRAWS).isCloseTo(0.75, within(0.01));
    }

    @Test
    void temperatureSharpens() {
        int[] counts = counts(sampler(0.5, 1, 0, 0), 0, (float) Math.log(3));
        assertThat(counts[1] / (double) DRAWS).isCloseTo(0.9, within(0.01));
    }

    @Test
    void topKTopPAndMinPCut() {
        float[] logits = {(float) Math.log(0.5), (float) Math.log(0.3), (float) Math.log(0.2)};
        assertThat(counts(sampler(1, 1, 1, 0), logits)[0]).isEqualTo(DRAWS);
        assertThat(counts(sampler(1, 0.5, 0, 0), logits)[0]).isEqualTo(DRAWS);
        assertThat(counts(sampler(1, 0.6, 0, 0), logits))
                .satisfies(c -> assertThat(c[2]).isZero())
                .satisfies(c -> assertThat(c[1]).isPositive());
        assertThat(counts(sampler(1, 1, 0, 0.5), logits))
                .satisfies(c -> assertThat(c[2]).isZero())
                .satisfies(c -> assertThat(c[1]).isPositive());
        assertThat(counts(sampler(1, 1e-9, 0, 0), logits)[0]).isEqualTo(DRAWS);
    }

    @Test
    void thesameSeedAndPositionGiveTheSameToken() {
        float[] logits = new float[1000];
        int first = sampler(1, 1, 0, 0).draw(logits.clone(), 7).token();
        assertThat(sampler(1, 1, 0, 0).draw(logits.clone(), 7).token()).isEqualTo(first);
        assertThat(sampler(1, 1, 0, 0).draw(logits.clone(), 8).token()).isNotEqualTo(first);
    }

    @Test
    void penaltiesCountTheAnswerAndRepetitionThePromptToo() {
        var options = new SamplingOptions(0, 1, 0, 0, 0.5, 1.0, 1, Map.of(), 0, -1);
        var sampler = new Sampler(options, new int[] {0});
        assertThat(sampler.draw(new float[] {1, 0}, 0).token()).isZero();
        assertThat(sampler.draw(new float[] {1, 0}, 1).token()).isEqualTo(1);
        var present = new SamplingOptions(0, 1, 0, 0, 0.6, 0, 1, Map.of(), 0, -1);
        var once = new Sampler(present, new int[] {0});
        for (int position = 0; position < 4; position++) {
            assertThat(once.draw(new float[] {1, 0}, position).token())
                    .as("presence is subtracted once, however often")
                    .isZero();
        }
        var frequent = new SamplingOptions(0, 1, 0, 0, 0, 0.6, 1, Map.of(), 0, -1);
        var often = new Sampler(frequent, new int[] {0});
        assertThat(often.draw(new float[] {1, 0}, 0).token()).isZero();
        assertThat(often.draw(new float[] {1, 0}, 1).token()).isZero();
        assertThat(often.draw(new float[] {1, 0}, 2).token()).isEqualTo(1);
        var repeated = new SamplingOptions(0, 1, 0, 0, 0, 0, 2, Map.of(), 0, -1);
        assertThat(new Sampler(repeated, new int[] {0}).draw(new float[] {1.5f, 1}, 0).token())
                .isEqualTo(1);
    }

    @Test
    void biasMovesTheChoice() {
        var options = new SamplingOptions(0, 1, 0, 0, 0, 0, 1, Map.of(1, 100.0), 0, -1);
        assertThat(new Sampler(options, new int[0]).draw(new float[] {1, 0}, 0).token())
                .isEqualTo(1);
    }

    @Test
    void logprobsAreThoseOfTheSoftmax() {
        var options = new SamplingOptions(0, 1, 0, 0, 0, 0, 1, Map.of(), 0, 2);
        Draw draw =
                new Sampler(options, new int[0]).draw(new float[] {0, (float) Math.log(3), -50}, 0);
        assertThat(draw.logprob()).isCloseTo(Math.log(0.75), within(1e-6));
        assertThat(draw.top()).hasSize(2);
        assertThat(draw.top().get(0).logprob()).isEqualTo(draw.logprob());
        assertThat(draw.top().get(1).token()).isZero();
    }

    @Test
    void stopStringsAreHeldBackHoweverTokensCutThem() {
        var text = new StopText(java.util.List.of("END", "\n\n"));
        assertThat(text.accept("a E")).isEqualTo("a ");
        assertThat(text.accept("N")).isEmpty();
        assertThat(text.accept("x\n")).isEqualTo("ENx");
        assertThat(text.accept("bEN")).isEqualTo("\nb");
        assertThat(text.accept("D tail")).isEmpty();
        assertThat(text.isStopped()).isTrue();
        assertThat(text.end()).isEmpty();
    }

    private static Sampler sampler(double temperature, double topP, int topK, double minP) {
        return new Sampler(
                new SamplingOptions(temperature, topP, topK, minP, 0, 0, 1, Map.of(), 42, -1),
                new int[0]);
    }

    private static int[] counts(Sampler sampler, float... logits) {
        int[] counts = new int[logits.length];
        for (int i = 0; i < DRAWS; i++) {
            counts[sampler.draw(logits.clone(), i).token()]++;
        }
        return counts;
    }
}
