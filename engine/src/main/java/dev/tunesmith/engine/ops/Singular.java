package dev.tunesmith.engine.ops;

import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Device;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.torch.TorchAbi;
import dev.tunesmith.kernels.torch.TorchException;

/// Singular value decomposition of a matrix, in fp32: `m = u · diag(s) · v`, largest values first.
///
/// @param u_MK left vectors, one a column
/// @param v_KN right vectors, one a row
// Arrays: never compared.
@SuppressWarnings("ArrayRecordComponent")
public record Singular(float[] u_MK, float[] s_K, float[] v_KN) {

    /// Of a matrix with that many rows.
    public static Singular of(float[] values_MN, int rows) {
        int columns = values_MN.length / rows;
        int rank = Math.min(rows, columns);
        TorchAbi torch = TorchAbi.get();
        try (Region region = Region.lasting("decomposition", Device.CPU)) {
            Tensor matrix = region.floats(values_MN, rows, columns);
            long[] parts;
            try {
                // Reduced, and with the driver that libtorch takes by itself.
                long[] arguments = {torch.duplicate(matrix.handle()), 0, 0};
                parts = torch.call("aten::linalg_svd", "", arguments, 1, 3);
            } catch (TorchException e) {
                throw new TorchException("decomposition of %s".formatted(matrix), e);
            }
            return new Singular(
                    taken(torch, parts[0], region.tensor(DType.F32, rows, rank)),
                    taken(torch, parts[1], region.tensor(DType.F32, rank)),
                    taken(torch, parts[2], region.tensor(DType.F32, rank, columns)));
        }
    }

    /// Only the singular values of a matrix with that many rows, largest first.
    public static float[] values(float[] values_MN, int rows) {
        int columns = values_MN.length / rows;
        TorchAbi torch = TorchAbi.get();
        try (Region region = Region.lasting("singular values", Device.CPU)) {
            Tensor matrix = region.floats(values_MN, rows, columns);
            long[] arguments = {torch.duplicate(matrix.handle()), 0};
            long found = torch.call("aten::linalg_svdvals", "", arguments, 1, 1)[0];
            return taken(torch, found, region.tensor(DType.F32, Math.min(rows, columns)));
        }
    }

    /// Results may lie in any order in memory.
    private static float[] taken(TorchAbi torch, long handle, Tensor place) {
        long[] arguments = {torch.duplicate(place.handle()), handle, 0};
        torch.delete(torch.call("aten::copy_", "", arguments, 2, 1)[0]);
        return place.toFloats();
    }
}
