package dev.tunesmith.engine.nn;

import dev.tunesmith.engine.ops.CodedMatrix;
import dev.tunesmith.engine.ops.Products;
import dev.tunesmith.engine.ops.Products.Term;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The matrix of a [Linear], in the form in which it is stored.
public sealed interface Weight {

    /// Rows of the matrix: the layer's outputs.
    long outputs();

    /// Columns of the matrix: the layer's inputs.
    long inputs();

    /// The parameter that can train, if the form has one.
    Optional<Parameter> parameter();

    /// `y_NO = x_NI · wᵀ`, and the product `more`. A form that has to be decoded borrows memory of
    /// `arena`.
    void product(Tensor y_NO, Tensor x_NI, @Nullable Term more, StepArena arena);

    /// `dx_NI = beta · dx_NI + dy_NO · w`, and the product `more`.
    void inputProduct(
            Tensor dx_NI, Tensor dy_NO, double beta, @Nullable Term more, StepArena arena);

    /// Adds `dyᵀ · x` to the gradient of the parameter, which trains.
    void addGradient(Tensor dy_NO, Tensor x_NI, Region region);

    /// All values [outputs, inputs] in fp32: the best that is known of them.
    float[] values();

    /// Values [outputs, inputs] in the order in which the checkpoint has them.
    float[] stored(float[] values_OI);

    /// A plain matrix [outputs, inputs] in the compute type.
    record Dense(Parameter matrix) implements Weight {
        @Override
        public long outputs() {
            return matrix.value().size(0);
        }

        @Override
        public long inputs() {
            return matrix.value().size(1);
        }

        @Override
        public Optional<Parameter> parameter() {
            return Optional.of(matrix);
        }

        @Override
        public void product(Tensor y_NO, Tensor x_NI, @Nullable Term more, StepArena arena) {
            matrix.product(y_NO, x_NI, more);
        }

        @Override
        public void inputProduct(
                Tensor dx_NI, Tensor dy_NO, double beta, @Nullable Term more, StepArena arena) {
            Products.linearInput(dx_NI, dy_NO, matrix.value(), beta, more);
        }

        @Override
        public void addGradient(Tensor dy_NO, Tensor x_NI, Region region) {
            ParameterGradients.addProduct(matrix, dy_NO, x_NI, 1, region);
        }

        @Override
        public float[] values() {
            return matrix.best();
        }

        @Override
        public float[] stored(float[] values_OI) {
            return values_OI;
        }
    }

    /// A plain matrix that is stored as [inputs, outputs].
    record Transposed(Parameter matrix) implements Weight {
        @Override
        public long outputs() {
            return matrix.value().size(1);
        }

        @Override
        public long inputs() {
            return matrix.value().size(0);
        }

        @Override
        public Optional<Parameter> parameter() {
            return Optional.of(matrix);
        }

        @Override
        public void product(Tensor y_NO, Tensor x_NI, @Nullable Term more, StepArena arena) {
            Products.linearInput(y_NO, x_NI, matrix.value(), 0, 1);
            if (more != null) {
                Products.linear(y_NO, more.x(), more.w(), 1, 1);
            }
        }

        @Override
        public void inputProduct(
                Tensor dx_NI, Tensor dy_NO, double beta, @Nullable Term more, StepArena arena) {
            Products.linear(dx_NI, dy_NO, matrix.value(), beta, 1);
            if (more != null) {
                Products.linearInput(dx_NI, more.x(), more.w(), 1, 1);
            }
        }

        @Override
        public void addGradient(Tensor dy_NO, Tensor x_NI, Region region) {
            ParameterGradients.addProduct(matrix, x_NI, dy_NO, 1, region);
        }

        @Override
        public float[] values() {
            return turned(matrix.best(), Math.toIntExact(outputs()));
        }

        @Override
        public float[] stored(float[] values_OI) {
            return turned(values_OI, Math.toIntExact(inputs()));
        }

        private static float[] turned(float[] values, int width) {
            float[] result = new float[values.length];
            int rows = values.length / width;
            for (int at = 0; at < values.length; at++) {
                result[at % width * rows + at / width] = values[at];
            }
            return result;
        }
    }

    /// Codes, frozen.
    record Coded(CodedMatrix matrix) implements Weight {
        @Override
        public long outputs() {
            return matrix.outputs();
        }

        @Override
        public long inputs() {
            return matrix.inputs();
        }

        @Override
        public Optional<Parameter> parameter() {
            return Optional.empty();
        }

        @Override
        public void product(Tensor y_NO, Tensor x_NI, @Nullable Term more, StepArena arena) {
            matrix.linear(y_NO, x_NI, more, arena);
        }

        @Override
        public void inputProduct(
                Tensor dx_NI, Tensor dy_NO, double beta, @Nullable Term more, StepArena arena) {
            matrix.linearInput(dx_NI, dy_NO, beta, more, arena);
        }

        @Override
        public void addGradient(Tensor dy_NO, Tensor x_NI, Region region) {
            throw new IllegalStateException("codes do not train");
        }

        @Override
        public float[] values() {
            return matrix.values();
        }

        @Override
        public float[] stored(float[] values_OI) {
            throw new IllegalStateException("values cannot take the place of codes");
        }
    }
}
