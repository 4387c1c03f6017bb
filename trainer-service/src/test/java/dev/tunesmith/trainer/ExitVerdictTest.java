package dev.tunesmith.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.event.ExitCode;
import dev.tunesmith.contracts.job.ErrorClass;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExitVerdictTest {
    private static final long MIB = 1L << 20;

    private static ExitVerdict of(int code, boolean killedByUs, long oomKills, long peakBytes) {
        return ExitVerdict.of(
                new ExitVerdict.Facts(code, killedByUs, oomKills, peakBytes, 1000 * MIB));
    }

    private static ErrorClass classOf(ExitVerdict verdict) {
        return ((ExitVerdict.Failed) verdict).errorClass();
    }

    @Test
    void aKillByTheKernelForMemoryIsAResourceAndNotALostWorker() {
        assertThat(classOf(of(137, false, 1, 0))).isEqualTo(ErrorClass.RESOURCE);
    }

    @Test
    void aKillNearTheLimitIsAResourceEvenIfNoCounterCanBeRead() {
        assertThat(classOf(of(137, false, 0, 960 * MIB))).isEqualTo(ErrorClass.RESOURCE);
    }

    @Test
    void anyOtherKillIsALostWorker() {
        assertThat(of(137, false, 0, 500 * MIB)).isEqualTo(new ExitVerdict.Died());
        assertThat(of(137, true, 1, 999 * MIB)).isEqualTo(new ExitVerdict.Died());
        assertThat(of(134, false, 0, 0)).isEqualTo(new ExitVerdict.Died());
        assertThat(of(139, false, 0, 0)).isEqualTo(new ExitVerdict.Died());
    }

    @Test
    void aJvmOutOfHeapIsAResource() {
        assertThat(classOf(of(ExitVerdict.JVM_OUT_OF_MEMORY, false, 0, 0)))
                .isEqualTo(ErrorClass.RESOURCE);
    }

    @Test
    void aHandBackIsNoLoss() {
        assertThat(of(ExitCode.HANDED_BACK, false, 0, 0)).isEqualTo(new ExitVerdict.HandedBack());
    }

    @ParameterizedTest
    @CsvSource({"70, INTERNAL", "74, INFRA", "76, RESOURCE", "77, NUMERIC", "78, USER"})
    void everyCodeHasItsClass(int code, ErrorClass expected) {
        assertThat(classOf(of(code, false, 0, 0))).isEqualTo(expected);
    }
}
