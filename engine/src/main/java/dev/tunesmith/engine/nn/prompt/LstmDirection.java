package dev.tunesmith.engine.nn.prompt;

import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.nn.ParameterGradients;
import java.util.List;

/// One direction of an [LstmLayer], in double precision: sequences have tens of rows.
public record LstmDirection(LstmLayer.Weights weights) {

    private static final int GATES = 4;

    /// Everything that the backward pass needs, by place in reading order.
    ///
    /// @param gates_TG input, forget, cell and output gates after their functions
    /// @param cells_TH cell states
    /// @param states_TH outputs
    // Arrays: never compared.
    @SuppressWarnings("ArrayRecordComponent")
    record Trace(
            int rows,
            int width,
            boolean reversed,
            double[] gates_TG,
            double[] cells_TH,
            double[] states_TH) {
        int row(int time) {
            return reversed ? rows - 1 - time : time;
        }

        /// Output at a row of the sequence.
        double state(int row, int h) {
            return states_TH[row(row) * width + h];
        }
    }

    int width() {
        return (int) weights.state_GH().value().width();
    }

    boolean trains() {
        return weights.input_GI().trains();
    }

    Trace run(float[] x_NI, int rows, boolean reversed) {
        int width = width();
        int inputs = x_NI.length / rows;
        float[] input = weights.input_GI().best();
        float[] state = weights.state_GH().best();
        float[] bias = weights.inputBias_G().best();
        float[] bias2 = weights.stateBias_G().best();
        Trace trace =
                new Trace(
                        rows,
                        width,
                        reversed,
                        new double[rows * GATES * width],
                        new double[rows * width],
                        new double[rows * width]);
        for (int t = 0; t < rows; t++) {
            for (int g = 0; g < GATES * width; g++) {
                double sum = (double) bias[g] + bias2[g];
                for (int i = 0; i < inputs; i++) {
                    sum += (double) input[g * inputs + i] * x_NI[trace.row(t) * inputs + i];
                }
                for (int h = 0; t > 0 && h < width; h++) {
                    sum += state[g * width + h] * trace.states_TH[(t - 1) * width + h];
                }
                trace.gates_TG[t * GATES * width + g] =
                        g / width == 2 ? Math.tanh(sum) : 1 / (1 + Math.exp(-sum));
            }
            step(trace, t);
        }
        return trace;
    }

    private static void step(Trace trace, int t) {
        int width = trace.width;
        int at = t * GATES * width;
        for (int h = 0; h < width; h++) {
            double before = t == 0 ? 0 : trace.cells_TH[(t - 1) * width + h];
            double cell =
                    trace.gates_TG[at + width + h] * before
                            + trace.gates_TG[at + h] * trace.gates_TG[at + 2 * width + h];
            trace.cells_TH[t * width + h] = cell;
            trace.states_TH[t * width + h] = trace.gates_TG[at + 3 * width + h] * Math.tanh(cell);
        }
    }

    /// Collects gradients and adds that of the input to `dx_NI`.
    ///
    /// @param offset column of `dy_NO` where the outputs of this direction begin
    void backward(float[] x_NI, float[] dy_NO, int offset, Trace trace, double[] dx_NI) {
        int width = trace.width;
        double[] dGates_TG = new double[trace.rows * GATES * width];
        double[] dState_H = new double[width];
        double[] dCell_H = new double[width];
        float[] state = weights.state_GH().best();
        int outputs = dy_NO.length / trace.rows;
        for (int t = trace.rows - 1; t >= 0; t--) {
            for (int h = 0; h < width; h++) {
                dState_H[h] += dy_NO[trace.row(t) * outputs + offset + h];
            }
            gateGradients(trace, t, dState_H, dCell_H, dGates_TG);
            for (int h = 0; h < width; h++) {
                double sum = 0;
                for (int g = 0; g < GATES * width; g++) {
                    sum += dGates_TG[t * GATES * width + g] * state[g * width + h];
                }
                dState_H[h] = sum;
            }
        }
        inputGradients(trace, dGates_TG, dx_NI);
        if (trains()) {
            collect(x_NI, trace, dGates_TG);
        }
    }

    private static void gateGradients(
            Trace trace, int t, double[] dState_H, double[] dCell_H, double[] dGates_TG) {
        int width = trace.width;
        int at = t * GATES * width;
        double[] gates = trace.gates_TG;
        for (int h = 0; h < width; h++) {
            double in = gates[at + h];
            double forget = gates[at + width + h];
            double fresh = gates[at + 2 * width + h];
            double out = gates[at + 3 * width + h];
            double squashed = Math.tanh(trace.cells_TH[t * width + h]);
            double before = t == 0 ? 0 : trace.cells_TH[(t - 1) * width + h];
            double dCell = dCell_H[h] + dState_H[h] * out * (1 - squashed * squashed);
            dGates_TG[at + h] = dCell * fresh * in * (1 - in);
            dGates_TG[at + width + h] = dCell * before * forget * (1 - forget);
            dGates_TG[at + 2 * width + h] = dCell * in * (1 - fresh * fresh);
            dGates_TG[at + 3 * width + h] = dState_H[h] * squashed * out * (1 - out);
            dCell_H[h] = dCell * forget;
        }
    }

    private void inputGradients(Trace trace, double[] dGates_TG, double[] dx_NI) {
        float[] input = weights.input_GI().best();
        int gates = GATES * trace.width;
        int inputs = dx_NI.length / trace.rows;
        for (int t = 0; t < trace.rows; t++) {
            for (int g = 0; g < gates; g++) {
                double gate = dGates_TG[t * gates + g];
                for (int i = 0; i < inputs; i++) {
                    dx_NI[trace.row(t) * inputs + i] += gate * input[g * inputs + i];
                }
            }
        }
    }

    private void collect(float[] x_NI, Trace trace, double[] dGates_TG) {
        int width = trace.width;
        int gates = GATES * width;
        int inputs = x_NI.length / trace.rows;
        float[] dInput = new float[gates * inputs];
        float[] dState = new float[gates * width];
        float[] dBias = new float[gates];
        for (int g = 0; g < gates; g++) {
            double[] sums = new double[inputs + width];
            double sum = 0;
            for (int t = 0; t < trace.rows; t++) {
                double gate = dGates_TG[t * gates + g];
                sum += gate;
                for (int i = 0; i < inputs; i++) {
                    sums[i] += gate * x_NI[trace.row(t) * inputs + i];
                }
                for (int h = 0; t > 0 && h < width; h++) {
                    sums[inputs + h] += gate * trace.states_TH[(t - 1) * width + h];
                }
            }
            dBias[g] = (float) sum;
            for (int i = 0; i < inputs; i++) {
                dInput[g * inputs + i] = (float) sums[i];
            }
            for (int h = 0; h < width; h++) {
                dState[g * width + h] = (float) sums[inputs + h];
            }
        }
        ParameterGradients.add(weights.input_GI(), dInput);
        ParameterGradients.add(weights.state_GH(), dState);
        for (Parameter bias : List.of(weights.inputBias_G(), weights.stateBias_G())) {
            ParameterGradients.add(bias, dBias);
        }
    }
}
