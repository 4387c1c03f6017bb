package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.contracts.dataset.Mixing;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.mixture.DataPlan;
import dev.tunesmith.contracts.mixture.RowOrder;
import dev.tunesmith.engine.loop.DataOrder.Cursor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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

    private static List<Integer> epoch(DataOrder order, long seed, int epoch) {
        List<Integer> seen = new ArrayList<>();
        for (Cursor cursor = new Cursor(seed, epoch, 0);
                cursor.epoch() == epoch;
                cursor = order.after(cursor)) {
            Arrays.stream(order.rowsAt(cursor)).forEach(seen::add);
        }
        return seen;
    }

    /// Steps of any size, done by however many workers, are cuts of the same order.
    @Test
    void theOrderDoesNotDependOnHowManyRowsAreTakenAtOnce() {
        List<Integer> one = epoch(new DataOrder(23, 1, true), 5, 2);

        for (int rowsAtOnce : new int[] {2, 3, 4, 8, 23}) {
            assertThat(epoch(new DataOrder(23, rowsAtOnce, true), 5, 2)).isEqualTo(one);
        }
    }

    /// Rows are sorted by length before: a step of neighbours is a step of like lengths.
    @Test
    void stepsDrawnByLotKeepNeighboursTogetherAndTheShortOneLast() {
        DataOrder order = new DataOrder(14, 4, DataOrder.Lots.STEPS, 1);
        List<Integer> first = epoch(order, 3, 0);

        assertThat(first).hasSize(14).doesNotHaveDuplicates().endsWith(12, 13);
        for (int step = 0; step < 3; step++) {
            int begin = first.get(4 * step);
            assertThat(begin % 4).isZero();
            assertThat(first.subList(4 * step, 4 * step + 4))
                    .containsExactly(begin, begin + 1, begin + 2, begin + 3);
        }
        assertThat(List.of(epoch(order, 3, 1), epoch(order, 3, 2), epoch(order, 3, 3)))
                .anyMatch(other -> !other.equals(first));
    }

    /// Lots would undo an order by length or by a column.
    @ParameterizedTest
    @CsvSource({
        "SHUFFLED, ROWS",
        "GROUPED_BY_LENGTH, STEPS",
        "GIVEN, NONE",
        "BY_LENGTH, NONE",
        "BY_COLUMN, NONE"
    })
    void eachOrderOfAJobDrawsItsOwnLots(RowOrder asked, DataOrder.Lots lots) {
        ResolvedSpec usual = TinyModel.spec(Method.SUPERVISED, TinyModel.lora(0), Precision.FP32);
        DataPlan plan = new DataPlan(List.of(), Mixing.CONCAT, null, asked, null, null);
        ResolvedSpec spec = TinyModel.with(usual, plan);

        assertThat(LoopPlan.of(spec, 20).order().lots()).isEqualTo(lots);
    }

    @Test
    void refusesAnEmptyDataset() {
        assertThatThrownBy(() -> new DataOrder(0, 4, true)).hasMessageContaining("positive");
    }
}
