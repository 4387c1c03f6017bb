package dev.tunesmith.engine.quant;

import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.io.StoredTensor;
import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.nn.Weight;
import dev.tunesmith.engine.ops.FourBitMatrix;
import dev.tunesmith.engine.ops.FourBitMatrix.Codes;
import dev.tunesmith.engine.ops.FourBitMatrix.Scales;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Four-bit matrices as bitsandbytes stores them: codes under the name of the weight, and behind it
/// scales, tables and a JSON text.
public record BitsAndBytes4() implements PackedForm {

    private static final String STATE = ".quant_state.bitsandbytes__";
    private static final int MAP = 256;

    @Override
    public Optional<Found> read(WeightFiles files, Wanted wanted, Region region) {
        String weight = wanted.module() + ".weight";
        for (FourBitKind kind : FourBitKind.values()) {
            if (files.find(weight + STATE + kind.wire()).isPresent()) {
                return Optional.of(new Reading(files, wanted, region, weight, kind).found());
            }
        }
        return Optional.empty();
    }

    /// One matrix being read.
    private static final class Reading {
        private final WeightFiles files;
        private final Wanted wanted;
        private final Region region;
        private final String weight;
        private final Map<String, Object> state;
        private final List<String> tensors = new ArrayList<>();

        Reading(WeightFiles files, Wanted wanted, Region region, String weight, FourBitKind kind) {
            this.files = files;
            this.wanted = wanted;
            this.region = region;
            this.weight = weight;
            String name = weight + STATE + kind.wire();
            tensors.add(name);
            byte[] json = files.bytes(name).toArray(ValueLayout.JAVA_BYTE);
            this.state = JsonTree.parse(files.file(name), new String(json, StandardCharsets.UTF_8));
        }

        Found found() {
            long count = wanted.outputs() * wanted.inputs();
            if (!List.of(wanted.outputs(), wanted.inputs()).equals(shape())) {
                throw wrong(
                        "has shape %s, the configuration asks for [%d, %d]"
                                .formatted(state.get("shape"), wanted.outputs(), wanted.inputs()));
            }
            int block = size("blocksize");
            long scales = Math.ceilDiv(count, block);
            Tensor codes_B = part(weight, DType.U8, (count + 1) / 2);
            Tensor table_16 = part(weight + ".quant_map", DType.F32, FourBitKind.CODES);
            Codes codes = new Codes(codes_B, table_16, block, scales(scales));
            var matrix = new FourBitMatrix(wanted.outputs(), wanted.inputs(), codes, region);
            return new Found(new Weight.Coded(matrix), tensors);
        }

        private List<Long> shape() {
            return state.get("shape") instanceof List<?> sizes
                            && sizes.stream().allMatch(Number.class::isInstance)
                    ? sizes.stream().map(size -> ((Number) size).longValue()).toList()
                    : List.of();
        }

        private Scales scales(long count) {
            String absmax = weight + ".absmax";
            if (!(state.get("nested_offset") instanceof Number offset)) {
                return new Scales.Plain(part(absmax, DType.F32, count));
            }
            int block = size("nested_blocksize");
            return new Scales.Doubled(
                    part(absmax, DType.U8, count),
                    part(weight + ".nested_quant_map", DType.F32, MAP),
                    part(weight + ".nested_absmax", DType.F32, Math.ceilDiv(count, block)),
                    block,
                    offset.floatValue());
        }

        private int size(String key) {
            if (state.get(key) instanceof Integer size && size > 0) {
                return size;
            }
            throw wrong("needs a positive %s, found %s".formatted(key, state.get(key)));
        }

        /// Codes may be declared as any type (`bnb_4bit_quant_storage`): their bytes count.
        private Tensor part(String name, DType type, long count) {
            StoredTensor stored =
                    files.find(name).orElseThrow(() -> wrong("has no tensor " + name));
            boolean typed = type == DType.U8 || stored.type() == StoredType.F32;
            if (!typed || stored.bytes() != count * type.bytes()) {
                throw wrong(
                        "needs %d values of %s in %s, found %d bytes of %s"
                                .formatted(count, type, name, stored.bytes(), stored.type()));
            }
            tensors.add(name);
            return region.view(files.bytes(name), type, count);
        }

        private ModelFileException wrong(String what) {
            return new ModelFileException(
                    files.file(weight), "quantised tensor %s %s".formatted(weight, what));
        }
    }

    /// Adds everything that a checkpoint holds of one matrix.
    ///
    /// @param weight name of the tensor, with `.weight`
    /// @param source type of the values before they were quantised, as torch names it
    public static void write(
            SafetensorsWriter writer, String weight, FourBitMatrix matrix, Source source) {
        Codes codes = matrix.codes();
        add(writer, weight, StoredType.U8, codes.codes_B(), codes.codes_B().elements(), 1L);
        add(writer, weight + ".quant_map", StoredType.F32, codes.table_16(), 16L);
        switch (codes.scales()) {
            case Scales.Plain(Tensor scales_S) ->
                    add(writer, weight + ".absmax", StoredType.F32, scales_S, scales_S.elements());
            case Scales.Doubled doubled -> {
                Tensor codes_S = doubled.codes_S();
                Tensor outer_T = doubled.outer_T();
                add(writer, weight + ".absmax", StoredType.U8, codes_S, codes_S.elements());
                add(
                        writer,
                        weight + ".nested_quant_map",
                        StoredType.F32,
                        doubled.map_256(),
                        (long) MAP);
                add(writer, weight + ".nested_absmax", StoredType.F32, outer_T, outer_T.elements());
            }
        }
        byte[] state = state(matrix, source).getBytes(StandardCharsets.UTF_8);
        writer.add(
                weight + STATE + source.kind.wire(),
                StoredType.U8,
                List.of((long) state.length),
                MemorySegment.ofArray(state));
    }

    /// What codes were made from.
    ///
    /// @param type type of the values, as torch names it: `bfloat16`
    public record Source(FourBitKind kind, String type) {}

    private static void add(
            SafetensorsWriter writer, String name, StoredType type, Tensor tensor, Long... shape) {
        writer.add(name, type, List.of(shape), tensor.bytesOnHost());
    }

    /// The JSON text as Python writes it.
    private static String state(FourBitMatrix matrix, Source source) {
        Codes codes = matrix.codes();
        String plain =
                "\"quant_type\": \"%s\", \"blocksize\": %d, \"dtype\": \"%s\", \"shape\": [%d, %d]"
                        .formatted(
                                source.kind.wire(),
                                codes.block(),
                                source.type,
                                matrix.outputs(),
                                matrix.inputs());
        return switch (codes.scales()) {
            case Scales.Plain _ -> "{" + plain + "}";
            case Scales.Doubled doubled ->
                    "{%s, \"nested_blocksize\": %d, \"nested_dtype\": \"float32\", \"nested_offset\": %s}"
                            .formatted(plain, doubled.block(), pythonNumber(doubled.offset()));
        };
    }

    /// The shortest decimal that gives the number back, in Python's notation.
    static String pythonNumber(double value) {
        double size = Math.abs(value);
        BigDecimal decimal = new BigDecimal(Double.toString(value)).stripTrailingZeros();
        if (value == 0 || (size >= 1e-4 && size < 1e16)) {
            String text = decimal.toPlainString();
            return text.contains(".") ? text : text + ".0";
        }
        String digits = decimal.unscaledValue().abs().toString();
        int exponent = digits.length() - 1 - decimal.scale();
        String fraction = digits.length() > 1 ? "." + digits.substring(1) : "";
        return "%s%s%se%s%02d"
                .formatted(
                        value < 0 ? "-" : "",
                        digits.charAt(0),
                        fraction,
                        exponent < 0 ? "-" : "+",
                        Math.abs(exponent));
    }
}
