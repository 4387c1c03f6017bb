package dev.tunesmith.engine.quant;

import dev.tunesmith.engine.ops.FourBitMatrix;
import dev.tunesmith.engine.ops.FourBitMatrix.Codes;
import dev.tunesmith.engine.ops.FourBitMatrix.Scales;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// How a matrix becomes four-bit codes, with the bytes of bitsandbytes.
///
/// @param block values that share a scale
/// @param doubled whether the scales are quantised too, 256 at a time to 8 bits
public record FourBitFormat(FourBitKind kind, int block, boolean doubled) {

    /// Values that share a scale unless somebody says otherwise.
    public static final int BLOCK = 64;

    /// Scales that share an outer scale.
    public static final int OUTER_BLOCK = 256;

    public FourBitFormat {
        if (block < 32 || block > 4096 || Integer.bitCount(block) != 1) {
            throw new IllegalArgumentException(
                    "a block of %d values is not a power of two from 32 to 4096".formatted(block));
        }
    }

    /// What QLoRA uses: NF4 with quantised scales.
    public static FourBitFormat qlora() {
        return new FourBitFormat(FourBitKind.NF4, BLOCK, true);
    }

    /// What a `quantization_config` of transformers says, with the defaults of bitsandbytes; empty
    /// if it is about something else.
    public static Optional<FourBitFormat> of(Map<String, Object> config) {
        if (!"bitsandbytes".equals(config.get("quant_method"))
                || !Boolean.TRUE.equals(config.get("load_in_4bit"))) {
            return Optional.empty();
        }
        Object type = config.getOrDefault("bnb_4bit_quant_type", FourBitKind.FP4.wire());
        return FourBitKind.named(String.valueOf(type))
                .map(kind ->
                        new FourBitFormat(
                                kind,
                                BLOCK,
                                Boolean.TRUE.equals(config.get("bnb_4bit_use_double_quant"))));
    }

    /// The `quantization_config` of transformers for this format.
    public Map<String, Object> toTree() {
        return new TreeMap<>(
                Map.of(
                        "quant_method",
                        "bitsandbytes",
                        "load_in_4bit",
                        true,
                        "bnb_4bit_quant_type",
                        kind.wire(),
                        "bnb_4bit_use_double_quant",
                        doubled));
    }

    /// Quantises all values of a matrix; the codes live in `region`.
    public Codes quantise(Tensor values_OI, Region region) {
        long count = values_OI.elements();
        Tensor codes_B = region.tensor(DType.U8, (count + 1) / 2);
        Tensor table_16 = region.floats(kind.table(), FourBitKind.CODES);
        int scales = Math.toIntExact(Math.ceilDiv(count, block));
        try (Region scratch = Region.lasting("quantisation")) {
            Tensor scales_S = (doubled ? scratch : region).tensor(DType.F32, scales);
            Tensor order_16 = scratch.tensor(DType.U8, FourBitKind.CODES);
            order_16.setBytes(MemorySegment.ofArray(kind.order()));
            FourBitMatrix.quantise(
                    codes_B,
                    scales_S,
                    block,
                    values_OI,
                    scratch.floats(kind.bounds(), FourBitKind.CODES - 1),
                    order_16);
            Scales stored =
                    doubled
                            ? EightBitScales.of(scales_S.toFloats(), OUTER_BLOCK).place(region)
                            : new Scales.Plain(scales_S);
            return new Codes(codes_B, table_16, block, stored);
        }
    }
}
