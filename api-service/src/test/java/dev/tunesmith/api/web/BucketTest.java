package dev.tunesmith.api.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class BucketTest {
    private static final long SECOND = 1_000_000_000L;

    @Test
    void givesItsLimitAtOnceAndThenAsItRefills() {
        var bucket = new Bucket(60, 0);

        for (int i = 59; i >= 0; i--) {
            Bucket.Level level = bucket.take(1, 0);
            assertThat(level.granted()).isTrue();
            assertThat(level.remaining()).isEqualTo(i);
        }
        Bucket.Level refused = bucket.take(1, 0);
        assertThat(refused.granted()).isFalse();
        assertThat(refused.untilGranted()).isEqualTo(Duration.ofSeconds(1));
        assertThat(refused.untilFull()).isEqualTo(Duration.ofMinutes(1));
        assertThat(bucket.take(1, SECOND).granted()).isTrue();
        assertThat(bucket.take(1, SECOND).granted()).isFalse();
        assertThat(bucket.take(60, 61 * SECOND).granted()).isTrue();
    }

    @Test
    void whatIsOverTheLimitHasToWaitForAFullBucket() {
        var bucket = new Bucket(100, 0);

        assertThat(bucket.take(1, 0).granted()).isTrue();
        assertThat(bucket.take(1000, 0).granted()).isFalse();
        assertThat(bucket.take(1000, SECOND).granted()).isTrue();
    }

    @Test
    void timesReadAsOpenAiWritesThem() {
        assertThat(RateLimits.text(Duration.ofMillis(340))).isEqualTo("340ms");
        assertThat(RateLimits.text(Duration.ofSeconds(6))).isEqualTo("6s");
        assertThat(RateLimits.text(Duration.ofSeconds(60))).isEqualTo("1m0s");
    }
}
