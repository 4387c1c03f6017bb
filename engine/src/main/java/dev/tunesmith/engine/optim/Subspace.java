package dev.tunesmith.engine.optim;

import dev.tunesmith.engine.ops.Products;
import dev.tunesmith.engine.ops.Singular;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.Arrays;
import java.util.Random;

/// The few directions that the gradient of a matrix is looked at in, and how they are renewed.
///
/// From the right, `Q` is [K, N] and a gradient [M, N] becomes g·Qᵀ; from the left, `Q` is [M, K]
/// and it becomes Qᵀ·g.
public final class Subspace {

    private final Plan plan;
    private final String name;
    private final boolean right;
    private final int rank;
    private final Tensor directions;

    /// Which directions.
    ///
    /// @param rank number of directions
    /// @param gap steps between renewals
    /// @param side which side of a matrix is projected
    /// @param source where directions come from
    public record Plan(int rank, int gap, Side side, Source source) {}

    /// Which side of a matrix is projected, by the names of GaLore.
    public enum Side {
        /// The shorter one.
        STD,
        /// The longer one.
        REVERSE_STD,
        RIGHT,
        LEFT;

        boolean right(long rows, long columns) {
            return switch (this) {
                case STD -> rows >= columns;
                case REVERSE_STD -> rows < columns;
                case RIGHT -> true;
                case LEFT -> false;
            };
        }
    }

    /// Gives directions.
    @FunctionalInterface
    public interface Source {
        /// New values for `Q`.
        ///
        /// @param step number of the step, from 1
        float[] directions(Ask ask, Tensor gradient, long step);
    }

    /// What a matrix needs.
    ///
    /// @param name of the parameter
    /// @param across size of the side that is projected
    public record Ask(String name, boolean right, int rank, int across) {}

    Subspace(Plan plan, String name, Tensor value, Region region) {
        this.plan = plan;
        this.name = name;
        this.right = plan.side().right(value.size(0), value.size(1));
        long across = right ? value.size(1) : value.size(0);
        this.rank = Math.toIntExact(Math.min(plan.rank(), across));
        this.directions =
                right
                        ? region.zeros(DType.F32, rank, across)
                        : region.zeros(DType.F32, across, rank);
    }

    /// The singular vectors of the gradient with the largest values.
    static float[] singular(Ask ask, Tensor gradient, long step) {
        int rows = Math.toIntExact(gradient.size(0));
        Singular parts = Singular.of(gradient.toFloats(), rows);
        int columns = Math.toIntExact(gradient.size(1));
        int found = Math.min(rows, columns);
        int rank = ask.rank();
        if (ask.right()) {
            // Beyond the rank of the matrix there is no direction.
            return Arrays.copyOf(
                    Arrays.copyOf(parts.v_KN(), Math.min(rank, found) * columns), rank * columns);
        }
        float[] left = new float[rows * rank];
        for (int r = 0; r < rows; r++) {
            System.arraycopy(parts.u_MK(), r * found, left, r * rank, Math.min(rank, found));
        }
        return left;
    }

    /// Gaussian directions that follow from seed, name and step.
    static Source random(long seed) {
        return (ask, _, step) -> {
            var random = new Random(seed * 31 + ask.name().hashCode() * 1_000_003L + step);
            float[] values = new float[ask.rank() * ask.across()];
            double scale = 1 / Math.sqrt(ask.rank());
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (random.nextGaussian() * scale);
            }
            return values;
        };
    }

    /// Chooses new directions when it is time.
    void follow(Tensor gradient, long step) {
        if ((step - 1) % plan.gap() == 0) {
            int across = Math.toIntExact(right ? gradient.size(1) : gradient.size(0));
            var ask = new Ask(name, right, rank, across);
            directions.set(plan.source().directions(ask, gradient, step));
        }
    }

    boolean right() {
        return right;
    }

    /// The shape of a projected matrix of that shape.
    long[] projected(Tensor value) {
        return right ? new long[] {value.size(0), rank} : new long[] {rank, value.size(1)};
    }

    /// Looks at a gradient in these directions.
    Tensor project(Tensor gradient, Region region) {
        Tensor small = region.tensor(DType.F32, projected(gradient));
        if (right) {
            Products.linear(small, gradient, directions);
        } else {
            Products.linearWeight(small, directions, gradient, 0, 1);
        }
        return small;
    }

    /// Adds `factor` times what has these components to a matrix.
    void addTo(Tensor matrix, Tensor small, double factor) {
        if (right) {
            Products.linearInput(matrix, small, directions, 1, factor);
        } else {
            Products.linearInput(matrix, directions, small, 1, factor);
        }
    }

    Tensor directions() {
        return directions;
    }
}
