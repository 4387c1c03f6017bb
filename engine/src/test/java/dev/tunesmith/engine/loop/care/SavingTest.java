package dev.tunesmith.engine.loop.care;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.function.DoubleSupplier;
import org.junit.jupiter.api.Test;

class SavingTest {

    private static final double NOT_KNOWN_YET = Double.POSITIVE_INFINITY;

    @Test
    void anIntervalThatWasAskedForIsKept() {
        var saving = new Saving(10, false);
        assertThat(saving.due(10, 0, 0, () -> NOT_KNOWN_YET)).isTrue();
        assertThat(saving.due(11, 0, 1e9, () -> 0)).isFalse();
        assertThat(saving.due(10, 10, 1e9, () -> 0)).isFalse();
        assertThat(new Saving(0, false).due(10, 0, 1e9, () -> 0)).isFalse();
    }

    @Test
    void anotherOneWaitsUntilItsCostIsASmallShare() {
        var saving = new Saving(10, true);
        assertThat(saving.due(10, 0, 25, () -> 1)).isTrue();
        assertThat(saving.due(10, 0, 24, () -> 1)).isFalse();
        assertThat(saving.due(13, 0, 26, () -> 1)).isTrue();
        assertThat(saving.due(9, 0, 1e9, () -> 0)).isFalse();
        assertThat(saving.due(30, 0, 1e9, () -> NOT_KNOWN_YET)).isFalse();
    }

    /// The bytes of a checkpoint are counted tensor by tensor, which is too much for every step.
    @Test
    void whatACheckpointCostsIsAskedOnlyWhereItDecides() {
        DoubleSupplier cost =
                () -> {
                    throw new AssertionError("asked what a checkpoint costs");
                };
        assertThat(new Saving(10, false).due(10, 0, 1e9, cost)).isTrue();
        assertThat(new Saving(10, false).due(11, 0, 1e9, cost)).isFalse();
        assertThat(new Saving(0, true).due(10, 0, 1e9, cost)).isFalse();
        assertThat(new Saving(10, true).due(9, 0, 1e9, cost)).isFalse();
        assertThat(new Saving(10, true).due(10, 10, 1e9, cost)).isFalse();
    }
}
