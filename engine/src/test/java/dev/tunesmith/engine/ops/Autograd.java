package dev.tunesmith.engine.ops;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.torch.TorchAbi;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AbstractTensor;

/// Random inputs of an operation, and libtorch's automatic differentiation in fp64 of the same
/// function as what it is compared with.
///
/// Sizes, values and options all follow from one seed, which a failed test shows.
final class Autograd implements AutoCloseable {

    /// Of fp32 sums over a few hundred values, relative to the largest value of a tensor.
    private static final double ALLOWED = 2e-5;

    /// Smaller tensors are compared as if this were their largest value: differences of values near
    /// 1 that cancel leave some rounding.
    private static final double LEAST = 0.1;

    static {
        shareLibraries();
    }

    private final SplittableRandom random;
    private final Region region = Region.lasting("autograd");
    private final PointerScope scope = new PointerScope();

    Autograd(long seed) {
        this.random = new SplittableRandom(seed);
    }

    /// Lets the Java classes of libtorch use the files that the engine has opened: a process with
    /// two copies of libtorch ends at once.
    private static void shareLibraries() {
        TorchAbi.get();
        try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
            String opened =
                    maps.filter(line -> line.endsWith("/libtorch_cpu.so"))
                            .findFirst()
                            .orElseThrow();
            Path file = Path.of(opened.substring(opened.indexOf('/')));
            System.setProperty("org.bytedeco.javacpp.pathsFirst", "true");
            System.setProperty(
                    "org.bytedeco.javacpp.platform.preloadpath", String.valueOf(file.getParent()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    Region region() {
        return region;
    }

    /// A number from `least` to `most`.
    int size(int least, int most) {
        return random.nextInt(least, most + 1);
    }

    boolean coin() {
        return random.nextBoolean();
    }

    /// fp32 values from −1.5 to 1.5, moved by `middle`.
    Tensor values(double middle, long... shape) {
        Tensor tensor = region.tensor(DType.F32, shape);
        float[] values = new float[(int) tensor.elements()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (middle + 3 * random.nextDouble() - 1.5);
        }
        tensor.set(values);
        return tensor;
    }

    /// Numbers from 0 to `end`, `end` not included.
    int[] indices(int count, int end) {
        return random.ints(count, 0, end).toArray();
    }

    Tensor empty(Tensor like) {
        return region.tensor(DType.F32, like.shape());
    }

    /// A leaf of libtorch's graph with the same values.
    Node leaf(Tensor tensor) {
        return new Node(constant(tensor).tensor().requires_grad_(true));
    }

    /// The same values, without a gradient.
    static Node constant(Tensor tensor) {
        float[] values = tensor.toFloats();
        double[] wide = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            wide[i] = values[i];
        }
        return constant(wide, tensor.shape());
    }

    static Node constant(double[] values, long... shape) {
        return new Node(AbstractTensor.create(values, shape));
    }

    static Node integers(int[] values) {
        return new Node(AbstractTensor.create(Arrays.stream(values).asLongStream().toArray()));
    }

    /// Differentiates `Σ output · dOutput`.
    static void backward(Node output, Tensor dOutput) {
        output.times(constant(dOutput)).sum().backward();
    }

    /// That ours are theirs, to the rounding of fp32.
    static void assertSame(String name, Tensor ours, Node theirs) {
        assertSame(name, ours.toFloats(), theirs.values());
    }

    static void assertSame(String name, float[] ours, double[] theirs) {
        assertThat(ours).as("%s: number of values", name).hasSameSizeAs(theirs);
        double largest = LEAST;
        for (double value : theirs) {
            largest = Math.max(largest, Math.abs(value));
        }
        for (int i = 0; i < theirs.length; i++) {
            assertThat((double) ours[i])
                    .as("%s at %d", name, i)
                    .isCloseTo(theirs[i], Offset.offset(ALLOWED * largest));
        }
    }

    @Override
    public void close() {
        scope.close();
        region.close();
    }
}
