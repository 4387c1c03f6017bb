package dev.tunesmith.engine.ops;

import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.cpu.Element;
import dev.tunesmith.kernels.cpu.MatrixProduct;
import dev.tunesmith.kernels.cpu.MatrixProduct.Matrix;
import dev.tunesmith.kernels.cpu.Panels;
import dev.tunesmith.kernels.cpu.SmallLinear;
import dev.tunesmith.kernels.cuda.CuBlas;
import dev.tunesmith.kernels.torch.TorchAbi;
import dev.tunesmith.kernels.torch.TorchException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Matrix products. Both operands have one type; sums run in fp32 inside.
///
/// Which code computes a product follows from types, sizes and processor (see [ProductRoute]),
/// never from a measurement, so that a run can be repeated bit for bit.
public final class Products {

    private Products() {}

    /// `y_NO = x_NI · w_OIᵀ`, the forward pass of a linear layer.
    public static void linear(Tensor y_NO, Tensor x_NI, Tensor w_OI) {
        linear(y_NO, x_NI, w_OI, 0, 1);
    }

    /// `y_NO = beta · y_NO + alpha · x_NI · w_OIᵀ`.
    public static void linear(Tensor y_NO, Tensor x_NI, Tensor w_OI, double beta, double alpha) {
        new Call(y_NO, x_NI, false, w_OI, true, beta, alpha).run();
    }

    /// `dx_NI = beta · dx_NI + alpha · dy_NO · w_OI`, the input gradient of a linear layer.
    public static void linearInput(
            Tensor dx_NI, Tensor dy_NO, Tensor w_OI, double beta, double alpha) {
        new Call(dx_NI, dy_NO, false, w_OI, false, beta, alpha).run();
    }

    /// A product that is added to another of the same rows.
    public record Term(Tensor x, Tensor w) {}

    /// `y_NO = x_NI · w_OIᵀ + v_NR · b_ORᵀ`, rounded once where the processor has tiles.
    public static void linear(Tensor y_NO, Tensor x_NI, Tensor w_OI, @Nullable Term more) {
        if (more == null) {
            linear(y_NO, x_NI, w_OI);
        } else if (joins(y_NO, x_NI, w_OI.isContiguous())) {
            sum(y_NO, List.of(new Term(x_NI, w_OI), more), true, 0);
        } else {
            linear(y_NO, x_NI, w_OI);
            linear(y_NO, more.x, more.w, 1, 1);
        }
    }

    /// `dx_NI = beta · dx_NI + dy_NO · w_OI + du_NR · a_RI`, rounded once where the processor has
    /// tiles.
    public static void linearInput(
            Tensor dx_NI, Tensor dy_NO, Tensor w_OI, double beta, @Nullable Term more) {
        if (more == null) {
            linearInput(dx_NI, dy_NO, w_OI, beta, 1);
        } else if (joins(dx_NI, dy_NO, false)) {
            sum(dx_NI, List.of(new Term(dy_NO, w_OI), more), false, beta);
        } else {
            linearInput(dx_NI, dy_NO, w_OI, beta, 1);
            linearInput(dx_NI, more.x, more.w, 1, 1);
        }
    }

    private static boolean joins(Tensor out, Tensor x, boolean linear) {
        return x.type() == DType.BF16
                && out.type() == DType.BF16
                && out.owner().device().hostVisible()
                && ProductRoute.of(out, x, linear) == ProductRoute.OWN
                && MatrixProduct.Sum.joins();
    }

    private static void sum(Tensor out, List<Term> terms, boolean turned, double beta) {
        List<MatrixProduct.Sum.Term> all = new ArrayList<>(terms.size());
        for (Term term : terms) {
            long inner = turned ? term.w.width() : term.w.rows();
            if (term.x.rows() != out.rows()
                    || term.x.width() != inner
                    || out.width() != (turned ? term.w.rows() : term.w.width())
                    || term.x.type() != out.type()
                    || term.w.type() != out.type()) {
                throw new IllegalArgumentException("sum of %s into %s".formatted(terms, out));
            }
            all.add(
                    new MatrixProduct.Sum.Term(
                            matrix(term.x, false), matrix(term.w, turned), inner));
        }
        if (out.elements() == 0) {
            return;
        }
        int threads = Native.threads();
        new MatrixProduct.Sum(out.rows(), out.width(), (float) beta, threads)
                .run(
                        all,
                        Native.strided(out),
                        Workspace.bytes(MatrixProduct.Sum.scratchBytes(all.size(), threads))
                                .address());
    }

    private static Matrix matrix(Tensor tensor, boolean transposed) {
        Matrix matrix = new Matrix(tensor.address(), tensor.rowStride(), 1);
        return transposed ? matrix.transposed() : matrix;
    }

    /// `dw_OI = beta · dw_OI + alpha · dy_NOᵀ · x_NI`, the weight gradient of a linear layer.
    public static void linearWeight(
            Tensor dw_OI, Tensor dy_NO, Tensor x_NI, double beta, double alpha) {
        new Call(dw_OI, dy_NO, true, x_NI, false, beta, alpha).run();
    }

    /// Whether [#linearWeight] can add bf16 operands to an fp32 sum; otherwise the product needs a
    /// place of its own type.
    public static boolean sumsWide(DType operands) {
        return operands == DType.F32 || ProductRoute.sumsWide();
    }

    /// One product `out = beta · out + alpha · op(a) · op(b)`.
    private record Call(
            Tensor out,
            Tensor a,
            boolean aTransposed,
            Tensor b,
            boolean bTransposed,
            double beta,
            double alpha) {

        void run() {
            long inner = aTransposed ? a.rows() : a.width();
            if (out.rows() != (aTransposed ? a.width() : a.rows())
                    || out.width() != (bTransposed ? b.rows() : b.width())
                    || inner != (bTransposed ? b.width() : b.rows())
                    || a.type() != b.type()) {
                throw new IllegalArgumentException("product of %s".formatted(this));
            }
            if (out.elements() == 0) {
                return;
            }
            boolean linear = bTransposed && !aTransposed && b.isContiguous();
            switch (ProductRoute.of(out, a, linear)) {
                case SMALL -> small();
                case OWN -> own(inner);
                case LIBTORCH -> libtorch();
                case CUBLAS -> cublas(inner);
            }
        }

        private void small() {
            SmallLinear linear =
                    new SmallLinear(
                            Native.element(a),
                            Native.element(b),
                            Native.element(out),
                            out.rows(),
                            out.width(),
                            a.width(),
                            Native.threads());
            linear.forward(
                    Native.strided(a),
                    b.address(),
                    0,
                    Native.strided(out),
                    new SmallLinear.Blend((float) alpha, (float) beta),
                    Workspace.bytes(linear.scratchBytes()).address());
        }

        private void own(long inner) {
            MatrixProduct product =
                    new MatrixProduct(
                            Native.element(a),
                            Native.element(out),
                            out.rows(),
                            out.width(),
                            inner,
                            (float) alpha,
                            (float) beta,
                            Native.threads());
            product.run(
                    matrix(a, aTransposed),
                    matrix(b, bTransposed),
                    Native.strided(out),
                    Workspace.bytes(MatrixProduct.scratchBytes(Native.threads())).address());
        }

        private void cublas(long inner) {
            CuBlas cublas = ProductRoute.cublas(out.owner().device()).orElseThrow();
            cublas.multiply(
                    blas(out, false),
                    blas(a, aTransposed),
                    blas(b, bTransposed),
                    new CuBlas.Size(out.rows(), out.width(), inner),
                    (float) alpha,
                    (float) beta);
        }

        private static CuBlas.Matrix blas(Tensor tensor, boolean transposed) {
            CuBlas.Type type =
                    Native.element(tensor) == Element.F32 ? CuBlas.Type.F32 : CuBlas.Type.BF16;
            return new CuBlas.Matrix(tensor.address(), tensor.rowStride(), type, transposed);
        }

        private void libtorch() {
            TorchAbi torch = TorchAbi.get();
            long aHandle = aTransposed ? a.transposedHandle() : a.handle();
            long bHandle = bTransposed ? b.transposedHandle() : b.handle();
            try {
                if (beta == 0 && alpha == 1) {
                    torch.mm(out.handle(), aHandle, bHandle);
                } else {
                    torch.addmm(out.handle(), out.handle(), aHandle, bHandle, beta, alpha);
                }
            } catch (TorchException e) {
                throw new TorchException("product of %s".formatted(this), e);
            }
        }
    }

    /// A copy of a frozen bf16 matrix in the order in which products read it, for decoding; see
    /// [Panels].
    public static final class PanelMatrix {
        private final Panels shape;
        private final Tensor bytes;

        private PanelMatrix(Panels shape, Tensor bytes) {
            this.shape = shape;
            this.bytes = bytes;
        }

        /// Whether a matrix can be copied in that form.
        public static boolean takes(Tensor w_OI, Panels.Form form) {
            return w_OI.type() == DType.BF16
                    && w_OI.rank() == 2
                    && w_OI.isContiguous()
                    && form.takes(w_OI.width());
        }

        /// Copies a matrix into `region`.
        public static PanelMatrix of(Tensor w_OI, Panels.Form form, Region region) {
            return of(form, w_OI.size(0), w_OI.size(1), w_OI.address(), region);
        }

        /// Copies a matrix that blocks of GGUF hold.
        public static PanelMatrix ofBlocks(
                Panels.Form form, long outputs, long inputs, MemorySegment blocks, Region region) {
            return of(form, outputs, inputs, blocks.address(), region);
        }

        private static PanelMatrix of(
                Panels.Form form, long outputs, long inputs, long source, Region region) {
            Panels shape = new Panels(form, outputs, inputs, Native.threads());
            Tensor bytes = Elementwise.bytes(region, shape.bytes());
            shape.pack(source, bytes.address());
            return new PanelMatrix(shape, bytes);
        }

        /// Whether the product with rows like these has a kernel.
        public boolean multiplies(Tensor x_NI) {
            return x_NI.type() == DType.BF16;
        }

        /// Whether one call can multiply the same rows by this matrix and another.
        public boolean joins(PanelMatrix other) {
            return shape.form() == other.shape.form() && shape.k() == other.shape.k();
        }

        /// Bytes that one product reads.
        public long bytes() {
            return bytes.bytes();
        }

        /// `y_NO = x_NI · wᵀ`.
        public void linear(Tensor y_NO, Tensor x_NI) {
            linear(List.of(y_NO), x_NI, List.of(this));
        }

        /// The products of the same rows with matrices that [join][#joins].
        public static void linear(List<Tensor> y, Tensor x_NI, List<PanelMatrix> matrices) {
            List<Panels.Target> targets = new ArrayList<>(matrices.size());
            for (int i = 0; i < matrices.size(); i++) {
                PanelMatrix matrix = matrices.get(i);
                Tensor y_NO = y.get(i);
                if (x_NI.width() != matrix.shape.k()
                        || y_NO.width() != matrix.shape.n()
                        || y_NO.rows() != x_NI.rows()) {
                    throw new IllegalArgumentException(
                            "product of %s and panels %s into %s"
                                    .formatted(x_NI, matrix.shape, y_NO));
                }
                targets.add(
                        new Panels.Target(
                                matrix.shape, matrix.bytes.address(), Native.strided(y_NO)));
            }
            Panels shape = matrices.getFirst().shape;
            long work = shape.scratchBytes(x_NI.rows(), targets.size());
            Panels.forward(
                    shape.form(),
                    Native.strided(x_NI),
                    targets,
                    Native.element(y.getFirst()),
                    x_NI.rows(),
                    Workspace.bytes(work).address());
        }
    }
}
