package dev.tunesmith.engine.nn;

import dev.tunesmith.engine.nn.change.OutputScale;
import dev.tunesmith.engine.nn.change.RowNorms;
import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.ops.Lookup;
import dev.tunesmith.engine.ops.Products;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Token embedding: rows of a table, times a factor in some families.
public final class Embedding {

    private final String name;
    private final double factor;
    private Parameter table_VD;
    private @Nullable LowRankRows lowRank;
    private @Nullable TokenRows tokenRows;

    /// Rows that take the place of rows of the table.
    ///
    /// @param tokens which rows of the table
    /// @param rows_MD what stands there instead, in the same order
    public record TokenRows(List<Integer> tokens, Parameter rows_MD) {
        public TokenRows {
            tokens = List.copyOf(tokens);
        }
    }

    /// Where a batch uses replaced rows: places in the batch and rows of the replacement.
    private record Uses(Tensor places_U, Tensor rows_U) {}

    /// A low-rank addition to the table: row `v` gets `scale · (aᵀ_VR)_v · b_DRᵀ`. The factor over
    /// the vocabulary is kept with one row a token; files have it the other way round.
    ///
    /// @param direction the length of columns, if the factors change only their direction, or null
    public record LowRankRows(
            Parameter at_VR, Parameter b_DR, double scale, @Nullable OutputScale direction) {
        private float @Nullable [] norms(Tape tape) {
            RowNorms norms = direction == null ? null : direction.norms();
            if (norms == null) {
                return null;
            }
            Tensor at = at_VR.value();
            float[] turned = turned(at.toFloats(), (int) at.width());
            Tensor a_RV = tape.tensor(at.type(), at.width(), at.rows());
            a_RV.set(turned);
            return norms.now(a_RV, b_DR.value(), scale, tape);
        }

        private void addTo(float[] table_VD, int width) {
            float[] at = at_VR.best();
            float[] b = b_DR.best();
            int rank = (int) at_VR.value().width();
            for (int i = 0; i < table_VD.length; i++) {
                double sum = 0;
                for (int r = 0; r < rank; r++) {
                    sum += (double) at[i / width * rank + r] * b[i % width * rank + r];
                }
                table_VD[i] += (float) (sum * scale);
            }
        }

        private void turn(float[] table_VD, int width) {
            if (direction == null) {
                return;
            }
            double[] squares_D = new double[width];
            for (int i = 0; i < table_VD.length; i++) {
                squares_D[i % width] += (double) table_VD[i] * table_VD[i];
            }
            float[] length_D = direction.factor_O().best();
            for (int i = 0; i < table_VD.length; i++) {
                table_VD[i] *= (float) (length_D[i % width] / Math.sqrt(squares_D[i % width]));
            }
        }
    }

    private static float[] turned(float[] values, int width) {
        float[] result = new float[values.length];
        int rows = values.length / width;
        for (int at = 0; at < values.length; at++) {
            result[at % width * rows + at / width] = values[at];
        }
        return result;
    }

    /// An embedding whose checkpoint name is `name.weight`.
    public Embedding(String name, Parameter table_VD, double factor) {
        this.name = name;
        this.table_VD = table_VD;
        this.factor = factor;
    }

    /// Path of the layer in the model.
    public String name() {
        return name;
    }

    /// The table.
    public Parameter table() {
        return table_VD;
    }

    /// Puts another table in its place, for example a trained copy.
    public void useTable(Parameter replacement) {
        this.table_VD = replacement;
    }

    /// The low-rank addition, if one is attached.
    public Optional<LowRankRows> lowRank() {
        return Optional.ofNullable(lowRank);
    }

    /// Attaches a low-rank addition.
    public void attach(LowRankRows addition) {
        this.lowRank = addition;
    }

    /// Whether an adapter changes any row.
    public boolean isChanged() {
        return lowRank != null || tokenRows != null;
    }

    /// The table that does the same without the adapter, in fp32 from the masters.
    public float[] merged() {
        float[] table = table_VD.best();
        int width = (int) table_VD.value().width();
        LowRankRows addition = lowRank;
        if (addition != null) {
            addition.addTo(table, width);
            addition.turn(table, width);
        }
        TokenRows replaced = tokenRows;
        for (int m = 0; replaced != null && m < replaced.tokens.size(); m++) {
            float[] rows = replaced.rows_MD.best();
            System.arraycopy(rows, m * width, table, replaced.tokens.get(m) * width, width);
        }
        return table;
    }

    /// The rows that take the place of rows of the table, if there are any.
    public Optional<TokenRows> tokenRows() {
        return Optional.ofNullable(tokenRows);
    }

    /// Replaces some rows of the table.
    public void replace(TokenRows replacement) {
        this.tokenRows = replacement;
    }

    /// Takes the low-rank addition and replaced rows off again.
    public void detach() {
        this.lowRank = null;
        this.tokenRows = null;
    }

    /// The same embedding without an addition, sharing the table.
    public Embedding share() {
        return new Embedding(name, table_VD, factor);
    }

    /// Looks up all tokens and records it.
    public Tensor forward(Tape tape, Tensor ids_N) {
        Tensor table = table_VD.value();
        Tensor y_ND = tape.tensor(table.type(), ids_N.elements(), table.width());
        Lookup.gather(y_ND, table, ids_N);
        LowRankRows addition = lowRank;
        Tensor u_NR = addition == null ? null : add(addition, y_ND, ids_N, tape);
        TokenRows replaced = tokenRows;
        Uses uses = replaced == null ? null : replace(replaced, y_ND, ids_N, tape);
        if (factor != 1) {
            Elementwise.scale(y_ND, factor);
        }
        if (table_VD.trains()
                || (addition != null && addition.at_VR.trains())
                || (replaced != null && replaced.rows_MD.trains())) {
            tape.record(y_ND, dy_ND -> backward(tape, ids_N, dy_ND, u_NR, uses));
        }
        return addition == null ? y_ND : turned(addition, tape, y_ND);
    }

    private static Tensor turned(LowRankRows addition, Tape tape, Tensor y_ND) {
        OutputScale direction = addition.direction;
        return direction == null ? y_ND : direction.scaled(tape, y_ND, addition.norms(tape), null);
    }

    private static @Nullable Uses replace(
            TokenRows replaced, Tensor y_ND, Tensor ids_N, Tape tape) {
        float[] ids = ids_N.toFloats();
        List<Integer> places = new ArrayList<>();
        List<Integer> rows = new ArrayList<>();
        for (int n = 0; n < ids.length; n++) {
            int row = replaced.tokens.indexOf((int) ids[n]);
            if (row >= 0) {
                places.add(n);
                rows.add(row);
            }
        }
        if (places.isEmpty()) {
            return null;
        }
        Uses uses = new Uses(integers(tape, places), integers(tape, rows));
        Tensor rows_UD = tape.tensor(y_ND.type(), places.size(), y_ND.width());
        Lookup.gather(rows_UD, replaced.rows_MD.value(), uses.rows_U);
        Lookup.scatter(y_ND, rows_UD, uses.places_U);
        return uses;
    }

    private static Tensor integers(Tape tape, List<Integer> values) {
        return tape.region().ints(values.stream().mapToInt(Integer::intValue).toArray());
    }

    private static Tensor add(LowRankRows addition, Tensor y_ND, Tensor ids_N, Tape tape) {
        Tensor at = addition.at_VR.value();
        Tensor u_NR = tape.tensor(at.type(), ids_N.elements(), at.width());
        Lookup.gather(u_NR, at, ids_N);
        Products.linear(y_ND, u_NR, addition.b_DR.value(), 1, addition.scale);
        return u_NR;
    }

    private void backward(
            Tape tape, Tensor ids_N, Tensor dy_ND, @Nullable Tensor u_NR, @Nullable Uses uses) {
        Tensor scaled = dy_ND;
        if (factor != 1) {
            scaled = tape.region().copy(dy_ND);
            Elementwise.scale(scaled, factor);
        }
        TokenRows replaced = tokenRows;
        if (uses != null && replaced != null) {
            scaled = tape.region().copy(scaled);
            Tensor dRows_UD = tape.tensor(scaled.type(), uses.places_U.elements(), scaled.width());
            Lookup.gather(dRows_UD, scaled, uses.places_U);
            if (replaced.rows_MD.trains()) {
                Lookup.gatherBackward(replaced.rows_MD.gradient(), dRows_UD, uses.rows_U);
            }
            // What was replaced had no effect.
            dRows_UD.clear();
            Lookup.scatter(scaled, dRows_UD, uses.places_U);
        }
        if (table_VD.trains()) {
            Lookup.gatherBackward(table_VD.gradient(), scaled, ids_N);
        }
        LowRankRows addition = lowRank;
        if (addition != null && u_NR != null && addition.at_VR.trains()) {
            ParameterGradients.addProduct(
                    addition.b_DR, scaled, u_NR, addition.scale, tape.region());
            Tensor du_NR = tape.tensor(u_NR.type(), u_NR.shape());
            Products.linearInput(du_NR, scaled, addition.b_DR.value(), 0, addition.scale);
            Lookup.gatherBackward(addition.at_VR.gradient(), du_NR, ids_N);
        }
    }
}
