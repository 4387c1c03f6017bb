package dev.tunesmith.engine.adapter.site;

/// How a matrix that lies in memory in one order is ordered in files.
public sealed interface Form {

    /// Shape in files of a tensor that has the given shape in memory.
    long[] fileShape(long[] shape);

    /// Values in the order of files.
    float[] toFile(float[] values, long[] shape);

    /// Values in the order of memory; `shape` is that in memory.
    float[] fromFile(float[] values, long[] shape);

    /// As in memory.
    record Plain() implements Form {
        @Override
        public long[] fileShape(long[] shape) {
            return shape;
        }

        @Override
        public float[] toFile(float[] values, long[] shape) {
            return values;
        }

        @Override
        public float[] fromFile(float[] values, long[] shape) {
            return values;
        }
    }

    /// Rows and columns exchanged: factors over a vocabulary are kept with one row a token.
    record Turned() implements Form {
        @Override
        public long[] fileShape(long[] shape) {
            return new long[] {shape[1], shape[0]};
        }

        @Override
        public float[] toFile(float[] values, long[] shape) {
            return turned(values, (int) shape[0], (int) shape[1]);
        }

        @Override
        public float[] fromFile(float[] values, long[] shape) {
            return turned(values, (int) shape[1], (int) shape[0]);
        }

        private static float[] turned(float[] values, int rows, int columns) {
            float[] result = new float[values.length];
            for (int i = 0; i < rows; i++) {
                for (int j = 0; j < columns; j++) {
                    result[j * rows + i] = values[i * columns + j];
                }
            }
            return result;
        }
    }

    /// Output factors of all experts [experts · outputs, rank]; a file has one row an output, and
    /// for each rank component a column an expert.
    record Experts(int count) implements Form {
        @Override
        public long[] fileShape(long[] shape) {
            return new long[] {shape[0] / count, shape[1] * count};
        }

        @Override
        public float[] toFile(float[] values, long[] shape) {
            return moved(values, shape, true);
        }

        @Override
        public float[] fromFile(float[] values, long[] shape) {
            return moved(values, shape, false);
        }

        private float[] moved(float[] values, long[] shape, boolean out) {
            int outputs = (int) shape[0] / count;
            int rank = (int) shape[1];
            float[] result = new float[values.length];
            for (int e = 0; e < count; e++) {
                for (int o = 0; o < outputs; o++) {
                    for (int k = 0; k < rank; k++) {
                        int memory = (e * outputs + o) * rank + k;
                        int file = o * rank * count + k * count + e;
                        result[out ? file : memory] = values[out ? memory : file];
                    }
                }
            }
            return result;
        }
    }

    /// As in memory.
    static Form plain() {
        return new Plain();
    }

    /// Rows and columns exchanged.
    static Form turned() {
        return new Turned();
    }
}
