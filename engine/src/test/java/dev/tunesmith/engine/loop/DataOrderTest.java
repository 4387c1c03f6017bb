package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.engine.loop.DataOrder.Cursor;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class DataOrderTest {

    @Test
    void everyRowOccursOnceInAnEpochAndTheLastStepMayBeShort() {
        DataOrder order = new DataOrder(10, 4, true);
        Cursor cursor = order.start(7);
        List<Integer> seen = new ArrayList<>();
        List<Integer> sizes = new ArrayList<>();
        for (int step = 0; step < order.stepsPerEpoch(); step++) {
            int[] rows = order.rowsAt(cursor);
            sizes.add(rows.length);
            for (int row : rows) {
                seen.add(row);
            }
            cursor = order.after(cursor);
        }

        assertThat(sizes).containsExactly(4, 4, 2);
        assertThat(seen).containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
        assertThat(cursor).isEqualTo(new Cursor(7, 1, 0));
    }

    @Test
    void orderIsAFunctionOfSeedAndEpochOnly() {
        DataOrder order = new DataOrder(12, 12, true);

        assertThat(order.rowsAt(new Cursor(1, 0, 0)))
                .containsExactly(order.rowsAt(new Cursor(1, 0, 0)))
                .isNotEqualTo(order.rowsAt(new Cursor(1, 1, 0)))
                .isNotEqualTo(order.rowsAt(new Cursor(2, 0, 0)));
    }

    @Test
    void theOrderOfASeedNeverChanges() {
        assertThat(new DataOrder(8, 8, true).rowsAt(new Cursor(42, 3, 0)))
                .containsExactly(3, 5, 0, 7, 4, 1, 2, 6);
    }

    @Test
    void keepsTheOrderOfTheDatasetOnRequest() {
        assertThat(new DataOrder(3, 3, false).rowsAt(new Cursor(42, 3, 0)))
                .containsExactly(0, 1, 2);
    }

    @Test
    void refusesAnEmptyDataset() {
        assertThatThrownBy(() -> new DataOrder(0, 4, true)).hasMessageContaining("positive");
    }
}
