package dev.tunesmith.engine.nn;

import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// `y = x Wᵀ + bias`, plus a low-rank addition once one is attached.
public final class Linear {

    private final String name;
    private final Weight weight;
    private @Nullable Parameter bias;
    private @Nullable LowRank lowRank;

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

    /// Replaces the bias, which an adapter may train.
    public void useBias(Parameter replacement) {
        this.bias = replacement;
    }

    /// The low-rank addition, if one is attached.
    public Optional<LowRank> lowRank() {
        return Optional.ofNullable(lowRank);
    }

    /// Attaches a low-rank addition.
    public void attach(LowRank addition) {
        if (addition.a_RI().value().size(1) != weight.inputs()
                || addition.b_OR().value().size(0) != weight.outputs()) {
            throw new IllegalArgumentException(
                    "%s [%d, %d] cannot take %s and %s"
                            .formatted(
                                    name,
                                    weight.outputs(),
                                    weight.inputs(),
                                    addition.a_RI(),
                                    addition.b_OR()));
        }
        this.lowRank = addition;
    }

    /// Takes the low-rank addition off again.
    public void detach() {
        this.lowRank = null;
    }

    /// The same layer without an addition, sharing all parameters.
    public Linear share() {
        return new Linear(name, weight, bias);
    }

    /// The layer's own parameters, without those of an addition.
    public List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>();
        weight.parameter().ifPresent(parameters::add);
        if (bias != null) {
            parameters.add(bias);
        }
        return parameters;
    }

    /// Computes the layer and records it.
    public Tensor forward(Tape tape, Tensor x_NI) {
        Tensor y_NO = tape.tensor(x_NI.type(), x_NI.rows(), weight.outputs());
        weight.product(y_NO, x_NI, tape.arena());
        if (bias != null) {
            Elementwise.addBias(y_NO, bias.value());
        }
        LowRank addition = lowRank;
        LowRank.Saved saved = addition == null ? null : addition.addTo(y_NO, x_NI, tape, stream());
        if (tape.tracks(x_NI) || trains()) {
            tape.record(y_NO, dy_NO -> backward(tape, x_NI, dy_NO, saved));
        }
        return y_NO;
    }

    private boolean trains() {
        return weight.parameter().filter(Parameter::trains).isPresent()
                || (bias != null && bias.trains())
                || (lowRank != null && lowRank.trains());
    }

    private void backward(Tape tape, Tensor x_NI, Tensor dy_NO, LowRank.@Nullable Saved saved) {
        if (weight.parameter().filter(Parameter::trains).isPresent()) {
            weight.addGradient(dy_NO, x_NI, tape.region());
        }
        if (bias != null && bias.trains()) {
            ParameterGradients.addColumnSums(bias, dy_NO, 1, tape.region());
        }
        Tape.Sink dx = tape.tracks(x_NI) ? tape.sink(x_NI) : null;
        if (dx != null) {
            weight.inputProduct(dx.into(), dy_NO, dx.beta(), tape.arena());
        }
        if (saved != null && lowRank != null) {
            lowRank.backward(saved, dy_NO, tape, dx);
        }
    }

    /// Random numbers of different layers must not coincide.
    private long stream() {
        return ((long) name.hashCode()) << 32;
    }
}
