package dev.tunesmith.engine.nn;

/// The matrix of a [Linear], in the form in which it is stored.
public sealed interface Weight {

    /// Rows of the matrix: the layer's outputs.
    long outputs();

    /// Columns of the matrix: the layer's inputs.
    long inputs();

    /// A plain matrix [outputs, inputs] in the compute type.
    record Dense(Parameter parameter) implements Weight {
        @Override
        public long outputs() {
            return parameter.value().size(0);
        }

        @Override
        public long inputs() {
            return parameter.value().size(1);
        }
    }
}
