package dev.tunesmith.engine.nn;

import dev.tunesmith.engine.nn.prompt.LstmDirection;
import dev.tunesmith.engine.nn.prompt.LstmLayer;
import dev.tunesmith.engine.nn.prompt.RowSource;
import dev.tunesmith.engine.nn.prompt.Squash;
import dev.tunesmith.engine.nn.prompt.VirtualRows;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class PromptGradientTest {

    /// Three documents, of which the second has no virtual tokens: it went on from a cache.
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void learnedRowsBeforeDocuments(boolean removed) {
        try (NumericGradient numeric = new NumericGradient(31)) {
            RowSource table = new RowSource.Table(numeric.parameter("rows", 0, 3, 5));
            VirtualRows rows =
                    VirtualRows.before(
                            new int[] {3, 0, 3}, new int[] {0, 1, 5, 7}, numeric.region());
            numeric.check(
                    numeric.tensor(0, removed ? 13 : 7, 5),
                    (tape, x) ->
                            rows.inserted(
                                    tape, removed ? rows.removed(tape, x) : x, table.rows(tape)));
        }
    }

    @ParameterizedTest
    @EnumSource(Squash.class)
    void rowsOfAPerceptron(Squash squash) {
        try (NumericGradient numeric = new NumericGradient(32)) {
            RowSource source =
                    new RowSource.Perceptron(
                            new RowSource.Table(numeric.parameter("rows", 0, 3, 4)),
                            List.of(
                                    numeric.linear("in", 7, 4, true),
                                    numeric.linear("out", 5, 7, true)),
                            squash);
            check(numeric, source, 3);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void rowsOfAnLstm(int layers) {
        try (NumericGradient numeric = new NumericGradient(33)) {
            List<LstmLayer> stack = new ArrayList<>(List.of(layer(numeric, "a", 4)));
            if (layers == 2) {
                stack.add(layer(numeric, "b", 6));
            }
            RowSource table = new RowSource.Table(numeric.parameter("rows", 0, 5, 4));
            check(
                    numeric,
                    new RowSource.Perceptron(
                            new RowSource.Recurrent(table, stack),
                            List.of(numeric.linear("out", 5, 6, true)),
                            Squash.RELU),
                    5);
        }
    }

    private static void check(NumericGradient numeric, RowSource source, int count) {
        VirtualRows rows =
                VirtualRows.before(new int[] {count}, new int[] {0, 3}, numeric.region());
        numeric.check(
                numeric.tensor(0, 3, 5), (tape, x) -> rows.inserted(tape, x, source.rows(tape)));
    }

    private static LstmLayer layer(NumericGradient numeric, String name, int inputs) {
        return new LstmLayer(
                direction(numeric, name + "ahead", inputs),
                direction(numeric, name + "back", inputs));
    }

    private static LstmDirection direction(NumericGradient numeric, String name, int inputs) {
        return new LstmDirection(
                new LstmLayer.Weights(
                        numeric.parameter(name + "ih", 0, 12, inputs),
                        numeric.parameter(name + "hh", 0, 12, 3),
                        numeric.parameter(name + "bih", 0, 12),
                        numeric.parameter(name + "bhh", 0, 12)));
    }
}
