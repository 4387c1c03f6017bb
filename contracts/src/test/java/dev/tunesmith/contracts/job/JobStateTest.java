package dev.tunesmith.contracts.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class JobStateTest {
    /// The table of job-protocol §2, written a second time on purpose.
    private static final Set<String> LEGAL =
            Set.of(
                    "validating>queued",
                    "validating>failed",
                    "validating>cancelled",
                    "queued>leased",
                    "queued>paused",
                    "queued>cancelled",
                    "queued>failed",
                    "leased>running",
                    "leased>queued",
                    "leased>retry_wait",
                    "leased>cancelling",
                    "leased>failed",
                    "running>finalizing",
                    "running>retry_wait",
                    "running>pausing",
                    "running>cancelling",
                    "running>failed",
                    "pausing>paused",
                    "pausing>retry_wait",
                    "pausing>cancelling",
                    "pausing>failed",
                    "paused>queued",
                    "paused>cancelled",
                    "retry_wait>queued",
                    "retry_wait>cancelled",
                    "retry_wait>failed",
                    "finalizing>succeeded",
                    "finalizing>retry_wait",
                    "finalizing>failed",
                    "finalizing>cancelling",
                    "cancelling>cancelled");

    @Test
    void acceptsExactlyThe31LegalStepsOfAll132() {
        var accepted = new TreeSet<String>();
        int tried = 0;
        for (JobState from : JobState.values()) {
            for (JobState to : JobState.values()) {
                tried += from == to ? 0 : 1;
                if (from.mayBecome(to)) {
                    accepted.add(from.wire() + ">" + to.wire());
                }
            }
        }
        assertThat(tried).isEqualTo(132);
        assertThat(accepted).hasSize(31).isEqualTo(new TreeSet<>(LEGAL));
    }

    @ParameterizedTest
    @EnumSource(JobState.class)
    void noStateFollowsItself(JobState state) {
        assertThat(state.mayBecome(state)).isFalse();
    }

    @ParameterizedTest
    @EnumSource(JobState.class)
    void isTerminalExactlyForTheThreeEnds(JobState state) {
        boolean end = Set.of("succeeded", "failed", "cancelled").contains(state.wire());
        assertThat(state.terminal()).isEqualTo(end);
    }

    @ParameterizedTest
    @EnumSource(JobState.class)
    void holdsALeaseExactlyWhileAWorkerIsInvolved(JobState state) {
        boolean active =
                Set.of("leased", "running", "pausing", "finalizing", "cancelling")
                        .contains(state.wire());
        assertThat(state.leased()).isEqualTo(active);
    }

    @Test
    void foldsInnerStatesIntoTheStatusThatClientsKnow() {
        assertThat(JobState.VALIDATING.status().wire()).isEqualTo("validating_files");
        assertThat(JobState.RETRY_WAIT.status()).isEqualTo(WireStatus.QUEUED);
        assertThat(JobState.LEASED.status()).isEqualTo(WireStatus.QUEUED);
        assertThat(JobState.CANCELLING.status()).isEqualTo(WireStatus.RUNNING);
        assertThat(JobState.FINALIZING.status()).isEqualTo(WireStatus.RUNNING);
        assertThat(JobState.PAUSING.status()).isEqualTo(WireStatus.RUNNING);
        assertThat(JobState.PAUSED.status()).isEqualTo(WireStatus.PAUSED);
        assertThat(JobState.CANCELLED.status().wire()).isEqualTo("cancelled");
    }

    @Test
    void showsAPausedJobAsQueuedToStrictClients() {
        assertThat(WireStatus.PAUSED.strict()).isEqualTo(WireStatus.QUEUED);
        assertThat(WireStatus.RUNNING.strict()).isEqualTo(WireStatus.RUNNING);
    }
}
