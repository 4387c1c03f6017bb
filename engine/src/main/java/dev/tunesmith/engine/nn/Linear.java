package dev.tunesmith.engine.nn;

import dev.tunesmith.engine.nn.change.Change;
import dev.tunesmith.engine.nn.change.InputMap;
import dev.tunesmith.engine.nn.change.LowRank;
import dev.tunesmith.engine.nn.change.OutputScale;
import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.ops.Products.Term;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// `y = x Wᵀ + bias`, changed by an adapter once one is attached.
public final class Linear {

    private final String name;
    private Weight weight;
    private @Nullable Parameter bias;
    private @Nullable Change change;

    /// A layer whose checkpoint names are `name.weight` and `name.bias`.
    public Linear(String name, Weight weight, @Nullable Parameter bias) {
        this.name = name;
        this.weight = weight;
        this.bias = bias;
    }

    /// Path of the layer in the model, as in `model.layers.0.self_attn.q_proj`.
    public String name() {
        return name;
    }

    /// The matrix.
    public Weight weight() {
        return weight;
    }

    /// The bias, if the layer has one.
    public Optional<Parameter> bias() {
        return Optional.ofNullable(bias);
    }

    /// Puts another matrix in place of that of a layer that is not quantised.
    public void useWeight(Parameter replacement) {
        this.weight =
                switch (weight) {
                    case Weight.Dense _ -> new Weight.Dense(replacement);
                    case Weight.Transposed _ -> new Weight.Transposed(replacement);
                    case Weight.Coded _ -> throw new IllegalStateException(name + " is quantised");
                };
    }

    /// Replaces the bias, which an adapter may train.
    public void useBias(Parameter replacement) {
        this.bias = replacement;
    }

    /// What an attached adapter makes of the layer.
    public Optional<Change> change() {
        return Optional.ofNullable(change);
    }

    /// Attaches a low-rank addition.
    public void attach(LowRank addition) {
        attach(Change.of(addition));
    }

    /// Attaches what an adapter makes of the layer.
    public void attach(Change adapter) {
        LowRank addition = adapter.addition();
        if (addition != null
                && (addition.a_RI().value().size(1) != weight.inputs()
                        || addition.b_OR().value().size(0) != weight.outputs())) {
            throw new IllegalArgumentException(
                    "%s [%d, %d] cannot take %s and %s"
                            .formatted(
                                    name,
                                    weight.outputs(),
                                    weight.inputs(),
                                    addition.a_RI(),
                                    addition.b_OR()));
        }
        this.change = adapter;
    }

    /// Takes the adapter off again.
    public void detach() {
        this.change = null;
    }

    /// The same layer without an adapter, sharing all parameters.
    public Linear share() {
        return new Linear(name, weight, bias);
    }

    /// Computes the layer and records it.
    public Tensor forward(Tape tape, Tensor x_NI) {
        InputMap input = inputMap();
        Tensor in_NI = input == null ? x_NI : input.forward(tape, x_NI);
        Tensor y_NO = output(tape, in_NI);
        LowRank addition = addition();
        Part part = addition == null ? null : part(addition, in_NI, tape);
        Term more = part == null ? null : part.joining();
        weight.product(y_NO, in_NI, more, tape.arena());
        return completed(tape, in_NI, y_NO, part, more != null);
    }

    private @Nullable LowRank addition() {
        Change adapter = change;
        return adapter == null ? null : adapter.addition();
    }

    private Part part(LowRank addition, Tensor x_NI, Tape tape) {
        return new Part(addition, addition.components(x_NI, tape, stream()));
    }

    /// Computes layers that read the same rows: their products in one go where all have panels.
    static List<Tensor> forward(Tape tape, Tensor x_NI, List<Linear> layers) {
        List<Parameter> matrices = new ArrayList<>(layers.size());
        List<Tensor> outputs = new ArrayList<>(layers.size());
        for (Linear layer : layers) {
            if (layer.weight instanceof Weight.Dense(Parameter matrix)
                    && matrix.hasPanels()
                    && layer.inputMap() == null) {
                matrices.add(matrix);
            }
        }
        if (matrices.size() < layers.size()) {
            layers.forEach(layer -> outputs.add(layer.forward(tape, x_NI)));
            return outputs;
        }
        layers.forEach(layer -> outputs.add(layer.output(tape, x_NI)));
        Parameter.products(matrices, outputs, x_NI);
        for (int i = 0; i < outputs.size(); i++) {
            Linear layer = layers.get(i);
            LowRank addition = layer.addition();
            Part part = addition == null ? null : layer.part(addition, x_NI, tape);
            outputs.set(i, layer.completed(tape, x_NI, outputs.get(i), part, false));
        }
        return outputs;
    }

    private @Nullable InputMap inputMap() {
        Change adapter = change;
        return adapter == null ? null : adapter.input();
    }

    private Tensor output(Tape tape, Tensor x_NI) {
        return tape.tensor(x_NI.type(), x_NI.rows(), weight.outputs());
    }

    /// What becomes of the product: bias and adapter.
    ///
    /// @param joined whether the product holds that of the addition
    private Tensor completed(
            Tape tape, Tensor in_NI, Tensor product_NO, @Nullable Part part, boolean joined) {
        OutputScale output = change == null ? null : change.output();
        boolean biasBehind = output != null && output.place() == OutputScale.Place.BEFORE_BIAS;
        Parameter added = biasBehind ? null : bias;
        if (added != null) {
            Elementwise.addBias(product_NO, added.value());
        }
        Part whole = part == null ? null : part.added(product_NO, joined, tape);
        Tensor y_NO = recorded(tape, in_NI, product_NO, whole, added);
        return output == null
                ? y_NO
                : output.forward(tape, y_NO, addition(), biasBehind ? bias : null);
    }

    private Tensor recorded(
            Tape tape, Tensor x_NI, Tensor y_NO, @Nullable Part part, @Nullable Parameter added) {
        if (tape.tracks(x_NI)
                || weightTrains()
                || (added != null && added.trains())
                || (part != null && part.addition.trains())) {
            tape.record(y_NO, dy_NO -> backward(tape, x_NI, dy_NO, part, added));
        }
        return y_NO;
    }

    /// An addition and what it keeps for the backward pass.
    private record Part(LowRank addition, LowRank.Saved saved) {
        @Nullable Term joining() {
            return addition.joining(saved);
        }

        Part added(Tensor y_NO, boolean joined, Tape tape) {
            return new Part(addition, addition.addRest(y_NO, saved, joined, tape));
        }

        /// Collects gradients, then adds to that of the input, if one is wanted.
        void backward(Weight weight, Tensor dy_NO, Tape tape, Tape.@Nullable Sink dx) {
            Tensor du_NR = addition.backward(saved, dy_NO, tape);
            if (dx == null) {
                return;
            }
            Term more = addition.joiningInput(du_NR);
            weight.inputProduct(dx.into(), dy_NO, dx.beta(), more, tape.arena());
            if (more == null) {
                addition.addInput(saved, du_NR, dx.into(), tape);
            }
        }
    }

    private boolean weightTrains() {
        return weight.parameter().filter(Parameter::trains).isPresent();
    }

    private void backward(
            Tape tape, Tensor x_NI, Tensor dy_NO, @Nullable Part part, @Nullable Parameter added) {
        if (weightTrains()) {
            weight.addGradient(dy_NO, x_NI, tape.region());
        }
        if (added != null && added.trains()) {
            ParameterGradients.addColumnSums(added, dy_NO, 1, tape.region());
        }
        Tape.Sink dx = tape.tracks(x_NI) ? tape.sink(x_NI) : null;
        if (part != null) {
            part.backward(weight, dy_NO, tape, dx);
        } else if (dx != null) {
            weight.inputProduct(dx.into(), dy_NO, dx.beta(), null, tape.arena());
        }
    }

    /// Random numbers of different layers must not coincide.
    private long stream() {
        return ((long) name.hashCode()) << 32;
    }
}
