package dev.tunesmith.engine.nn;

import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.ops.Products;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A named weight, and while it trains its fp32 master and its fp32 gradient.
///
/// Products use [#value], in the compute type. An optimizer changes [#master] and then calls
/// [#publish].
public final class Parameter {

    private final String name;
    private final Tensor value;
    private @Nullable Tensor master;
    private @Nullable Tensor gradient;
    private @Nullable Lender lender;
    private @Nullable Tensor vector;
    private @Nullable Parameter whole;
    private long from;
    private long version;
    private final List<Long> storedShape;
    private boolean fixed;
    private boolean writtenExactly;
    private @Nullable Tensor shown;
    private Products.@Nullable PanelMatrix panels;

    /// Who has memory for gradients.
    @FunctionalInterface
    public interface Lender {
        /// Zeros in the shape of the parameter, in fp32.
        Tensor lend(Parameter parameter);
    }

    /// A frozen parameter.
    public Parameter(String name, Tensor value) {
        this(name, value, Arrays.stream(value.shape()).boxed().toList());
    }

    /// A frozen parameter that checkpoints hold in another shape than the one it is used in.
    public Parameter(String name, Tensor value, List<Long> storedShape) {
        this.name = name;
        this.value = value;
        this.storedShape = List.copyOf(storedShape);
    }

    /// The shape in which checkpoints hold it.
    public List<Long> storedShape() {
        return storedShape;
    }

    /// Keeps the parameter from ever training: nothing depends on it, or not smoothly.
    public void fix() {
        fixed = true;
    }

    /// Has files hold the most exact values, not those of the compute type.
    public Parameter writtenExactly() {
        writtenExactly = true;
        return this;
    }

    /// Whether files hold the most exact values.
    public boolean isWrittenExactly() {
        return writtenExactly;
    }

    /// Has files show other values than those in training for a time.
    ///
    /// @param point in fp32; null ends it
    public void show(@Nullable Tensor point) {
        shown = point;
    }

    /// What a file shows of a parameter that is written exactly.
    public Tensor shown() {
        Tensor other = shown;
        return other == null ? exact() : other;
    }

    /// Name in checkpoints.
    public String name() {
        return name;
    }

    /// The weight that products read.
    public Tensor value() {
        return value;
    }

    /// Gives products a copy of the matrix to read instead of [#value], which must not change any
    /// more.
    public void usePanels(Products.PanelMatrix copy) {
        this.panels = copy;
    }

    /// Whether products read a copy.
    public boolean hasPanels() {
        return panels != null;
    }

    /// Lets products read [#value] again, which may change from now on.
    public void dropPanels() {
        this.panels = null;
    }

    /// Bytes that a product with this weight reads.
    public long bytesRead() {
        Products.PanelMatrix copy = panels;
        return copy == null ? value.bytes() : copy.bytes();
    }

    /// `y_NO = x_NI · wᵀ` with this weight as a matrix [outputs, inputs].
    public void product(Tensor y_NO, Tensor x_NI) {
        product(y_NO, x_NI, null);
    }

    /// The same, and the product `more`.
    public void product(Tensor y_NO, Tensor x_NI, Products.@Nullable Term more) {
        Products.PanelMatrix copy = panels;
        if (copy == null || !copy.multiplies(x_NI)) {
            Products.linear(y_NO, x_NI, value, more);
            return;
        }
        copy.linear(y_NO, x_NI);
        if (more != null) {
            Products.linear(y_NO, more.x(), more.w(), 1, 1);
        }
    }

    /// The products of the same rows with several weights, in one go where all have copies for
    /// products in the same form.
    static void products(List<Parameter> weights, List<Tensor> y, Tensor x_NI) {
        List<Products.PanelMatrix> copies = new ArrayList<>(weights.size());
        for (Parameter weight : weights) {
            Products.PanelMatrix copy = weight.panels;
            if (copy == null
                    || !copy.multiplies(x_NI)
                    || (!copies.isEmpty() && !copy.joins(copies.getFirst()))) {
                break;
            }
            copies.add(copy);
        }
        if (copies.size() == weights.size()) {
            Products.PanelMatrix.linear(y, x_NI, copies);
            return;
        }
        for (int i = 0; i < weights.size(); i++) {
            weights.get(i).product(y.get(i), x_NI);
        }
    }

    /// The same weight as one row of numbers, whatever its shape in files.
    public Tensor vector() {
        Tensor known = vector;
        if (known == null) {
            known = value.rank() == 1 ? value : value.reshape(value.elements());
            vector = known;
        }
        return known;
    }

    /// Some rows of this parameter, as one that shares its memory and its gradient. It belongs to
    /// no optimizer.
    public Parameter rows(long from, long to) {
        Parameter part = new Parameter(name, value.rowRange(from, to));
        part.whole = this;
        part.from = from;
        return part;
    }

    /// Whether gradients are collected.
    public boolean trains() {
        return lender != null || (whole != null && whole.trains());
    }

    /// Starts training, unless it is fixed: master and gradient get memory in `region`. The value
    /// must be writable, which mapped files are not.
    public void train(Region region) {
        train(region, true);
    }

    /// Starts training, unless it is fixed.
    ///
    /// @param copies whether a value in bf16 gets a master; otherwise it changes itself
    public void train(Region region, boolean copies) {
        if (lender != null || fixed) {
            return;
        }
        lender = _ -> region.zeros(DType.F32, value.shape());
        if (value.type() == DType.F32) {
            master = value;
        } else if (copies) {
            Tensor wide = region.tensor(DType.F32, value.shape());
            Elementwise.convert(wide, value);
            master = wide;
        }
    }

    /// Gets the memory of the next gradient from somebody else than the region that it trains in.
    public void borrowFrom(Lender other) {
        required(lender);
        lender = other;
        gradient = null;
    }

    /// Ends the loan of a gradient: the next one is another.
    public void giveBack() {
        gradient = null;
    }

    /// The sum of all gradients since [#clearGradient], in fp32.
    public Tensor gradient() {
        if (whole != null) {
            return whole.gradient().rowRange(from, from + value.size(0));
        }
        Tensor known = gradient;
        if (known == null) {
            known = required(lender).lend(this);
            gradient = known;
        }
        return known;
    }

    /// The fp32 weight that the optimizer steps; the value itself where that is fp32.
    public Tensor master() {
        return whole == null
                ? required(master)
                : whole.master().rowRange(from, from + value.size(0));
    }

    /// Ends training: master and gradient are forgotten, before their region ends.
    public void freeze() {
        lender = null;
        gradient = null;
        master = null;
    }

    /// Whether it may train.
    public boolean isFixed() {
        return fixed;
    }

    /// The most exact tensor there is: the master if there is one, else the value.
    public Tensor exact() {
        if (whole != null && whole.master != null) {
            return whole.master.rowRange(from, from + value.size(0));
        }
        return master == null ? value : master;
    }

    /// The most exact values there are: those of the master while it trains, or what is shown in
    /// their place.
    public float[] best() {
        return shown().toFloats();
    }

    /// Sets the gradient to zero.
    public void clearGradient() {
        gradient().clear();
    }

    /// Rounds the master into the value after it was changed.
    public void publish() {
        version++;
        if (exact() != value) {
            Elementwise.convert(value, exact());
        }
    }

    /// Announces that an optimizer has changed the values.
    public void changed() {
        version++;
    }

    /// Another number after every announced change.
    public long version() {
        return version;
    }

    /// Takes over other values, the master included.
    public void assign(float[] values) {
        version++;
        if (master != null) {
            master.set(values);
        }
        value.set(values);
    }

    private <T> T required(@Nullable T part) {
        if (part == null) {
            throw new IllegalStateException("parameter %s is frozen".formatted(name));
        }
        return part;
    }

    @Override
    public String toString() {
        return name + " " + value;
    }
}
