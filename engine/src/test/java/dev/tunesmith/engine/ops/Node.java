package dev.tunesmith.engine.ops;

import java.util.List;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/// A value in libtorch's graph of automatic differentiation, with the functions that tests need.
record Node(Tensor tensor) {

    Node plus(Node other) {
        return new Node(tensor.add(other.tensor));
    }

    Node plus(double number) {
        return new Node(tensor.add(new Scalar(number)));
    }

    Node minus(Node other) {
        return new Node(tensor.sub(other.tensor));
    }

    Node times(Node other) {
        return new Node(tensor.mul(other.tensor));
    }

    Node times(double factor) {
        return new Node(tensor.mul(new Scalar(factor)));
    }

    /// `this · otherᵀ`.
    Node timesTransposed(Node other) {
        return new Node(tensor.matmul(other.tensor.t()));
    }

    Node matmul(Node other) {
        return new Node(tensor.matmul(other.tensor));
    }

    Node sum() {
        return new Node(tensor.sum());
    }

    Node meanOfRows() {
        return new Node(tensor.mean(1L));
    }

    Node softmaxOfRows() {
        return new Node(tensor.softmax(1));
    }

    Node logSoftmaxOfRows() {
        return new Node(tensor.log_softmax(1));
    }

    Node sin() {
        return new Node(torch.sin(tensor));
    }

    Node cos() {
        return new Node(torch.cos(tensor));
    }

    Node silu() {
        return new Node(torch.silu(tensor));
    }

    /// @param approximation "none" or "tanh"
    Node gelu(String approximation) {
        return new Node(torch.gelu(tensor, approximation));
    }

    Node rmsNorm(Node gain, double eps) {
        return new Node(
                torch.rms_norm(
                        tensor,
                        new long[] {tensor.size(1)},
                        new TensorOptional(gain.tensor),
                        new DoubleOptional(eps)));
    }

    Node layerNorm(Node gain, Node bias, double eps) {
        return new Node(
                torch.layer_norm(
                        tensor,
                        new long[] {tensor.size(1)},
                        new TensorOptional(gain.tensor),
                        new TensorOptional(bias.tensor),
                        eps,
                        false));
    }

    /// `cap · tanh(x / cap)`; 0 means no cap.
    Node softCapped(double cap) {
        return cap == 0 ? this : new Node(times(1 / cap).tensor.tanh()).times(cap);
    }

    Node rows(Node numbers) {
        return new Node(torch.embedding(tensor, numbers.tensor));
    }

    Node rows(long from, long count) {
        return new Node(tensor.narrow(0, from, count));
    }

    Node columns(long from, long count) {
        return new Node(tensor.narrow(1, from, count));
    }

    /// One value of each row.
    Node pick(Node columns) {
        long count = columns.tensor.size(0);
        return new Node(tensor.gather(1, columns.tensor.reshape(count, 1)).reshape(count));
    }

    static Node joined(long axis, List<Node> parts) {
        TensorVector vector = new TensorVector();
        parts.forEach(part -> vector.push_back(part.tensor));
        return new Node(torch.cat(vector, axis));
    }

    /// Differentiates this number.
    void backward() {
        tensor.backward();
    }

    /// The gradient of a leaf.
    Node gradient() {
        return new Node(tensor.grad());
    }

    double[] values() {
        Tensor flat = tensor.detach().contiguous();
        double[] values = new double[(int) flat.numel()];
        flat.data_ptr_double().get(values);
        return values;
    }
}
