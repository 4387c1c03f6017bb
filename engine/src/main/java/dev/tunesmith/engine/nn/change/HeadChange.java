package dev.tunesmith.engine.nn.change;

import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.nn.ParameterGradients;
import dev.tunesmith.engine.ops.Products;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.List;

/// What an adapter makes of the head: a weight of its own, kept up to date with the base and the
/// adapter, so that the loss needs not know of it. Costs memory for one more head, and for its
/// gradient while it trains.
public final class HeadChange {

    private final Parameter base_VD;
    private final Adaption adaption;
    private final Region region;
    private final Parameter own_VD;
    private long version = -1;

    /// What the adapter has for the head.
    private sealed interface Adaption {
        /// A low-rank addition.
        record Addition(LowRank factors) implements Adaption {}

        /// Rows that take the place of others.
        record Rows(List<Integer> tokens, Parameter rows_MD) implements Adaption {}
    }

    /// A low-rank addition.
    ///
    /// @param region lives as long as the adapter
    public HeadChange(Parameter base_VD, LowRank factors, Region region) {
        this(base_VD, new Adaption.Addition(factors), region);
    }

    /// Rows that take the place of others, for example because those of a tied embedding train.
    public HeadChange(Parameter base_VD, List<Integer> tokens, Parameter rows_MD, Region region) {
        this(base_VD, new Adaption.Rows(List.copyOf(tokens), rows_MD), region);
    }

    private HeadChange(Parameter base_VD, Adaption adaption, Region region) {
        this.base_VD = base_VD;
        this.adaption = adaption;
        this.region = region;
        Tensor base = base_VD.value();
        this.own_VD = new Parameter("changed head", region.tensor(base.type(), base.shape()));
        own_VD.value().copyFrom(base);
    }

    private boolean trains() {
        return switch (adaption) {
            case Adaption.Addition addition -> addition.factors.trains();
            case Adaption.Rows rows -> rows.rows_MD.trains();
        };
    }

    /// The weight as it is now. It trains while the adapter does; what it collects must be [given
    /// back][#collect].
    public Parameter weight() {
        if (trains()) {
            own_VD.train(region);
        }
        switch (adaption) {
            case Adaption.Addition addition -> add(addition.factors);
            case Adaption.Rows rows -> {
                for (int m = 0; m < rows.tokens.size(); m++) {
                    row(own_VD.value(), rows.tokens.get(m))
                            .copyFrom(rows.rows_MD.value().rowRange(m, m + 1L));
                }
            }
        }
        return own_VD;
    }

    private static Tensor row(Tensor table, int token) {
        return table.rowRange(token, token + 1L);
    }

    private void add(LowRank factors) {
        long now = factors.a_RI().version() + factors.b_OR().version();
        if (now == version) {
            return;
        }
        own_VD.value().copyFrom(base_VD.value());
        Tensor a_RI = factors.a_RI().value();
        Products.linearInput(own_VD.value(), factors.b_OR().value(), a_RI, 1, factors.scale());
        version = now;
    }

    /// Moves the gradient that was collected for [#weight] to the parameters of the adapter.
    public void collect(StepArena arena) {
        if (!own_VD.trains()) {
            return;
        }
        Tensor gradient_VD = own_VD.gradient();
        switch (adaption) {
            case Adaption.Addition addition -> {
                try (Region scratch = arena.open("gradient of the head")) {
                    collect(addition.factors, gradient_VD, scratch);
                }
            }
            case Adaption.Rows rows -> {
                int width = (int) gradient_VD.width();
                float[] sums = new float[rows.tokens.size() * width];
                for (int m = 0; m < rows.tokens.size(); m++) {
                    float[] row = row(gradient_VD, rows.tokens.get(m)).toFloats();
                    System.arraycopy(row, 0, sums, m * width, width);
                }
                ParameterGradients.add(rows.rows_MD, sums);
            }
        }
        own_VD.clearGradient();
    }

    private static void collect(LowRank factors, Tensor gradient_VD, Region scratch) {
        Tensor a_RI = wide(factors.a_RI(), scratch);
        Tensor b_OR = wide(factors.b_OR(), scratch);
        Products.linear(factors.b_OR().gradient(), gradient_VD, a_RI, 1, factors.scale());
        Products.linearWeight(factors.a_RI().gradient(), b_OR, gradient_VD, 1, factors.scale());
    }

    private static Tensor wide(Parameter parameter, Region scratch) {
        return parameter.value().type() == DType.F32
                ? parameter.value()
                : scratch.floats(parameter.value().toFloats(), parameter.value().shape());
    }

    /// The weight in fp32, from the masters.
    public float[] merged() {
        float[] weight_VD = base_VD.best();
        int width = (int) base_VD.value().width();
        switch (adaption) {
            case Adaption.Addition addition -> addition.factors.mergeWeight(weight_VD, width, 1);
            case Adaption.Rows rows -> {
                float[] rows_MD = rows.rows_MD.best();
                for (int m = 0; m < rows.tokens.size(); m++) {
                    System.arraycopy(
                            rows_MD, m * width, weight_VD, rows.tokens.get(m) * width, width);
                }
            }
        }
        return weight_VD;
    }
}
