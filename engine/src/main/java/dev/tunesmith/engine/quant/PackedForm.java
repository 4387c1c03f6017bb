package dev.tunesmith.engine.quant;

import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.nn.Weight;
import dev.tunesmith.engine.tensor.Region;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;

/// Reads the matrices of a checkpoint whose `quantization_config` says that they are quantised.
public sealed interface PackedForm
        permits Aqlm,
                Awq,
                BitsAndBytes4,
                BitsAndBytes8,
                CompressedTensors,
                Eetq,
                Gptq,
                Hqq,
                Mxfp4,
                ScaledFloat8 {

    /// A matrix to be found.
    ///
    /// @param module path of the layer, without `.weight`
    record Wanted(String module, long outputs, long inputs) {}

    /// A matrix that was found.
    ///
    /// @param tensors names of everything in the checkpoint that belongs to it
    record Found(Weight weight, List<String> tensors) {}

    /// The matrix of a layer, or empty if this layer is stored as plain floats.
    ///
    /// @param region where what is not mapped lives
    /// @throws ModelFileException if its parts do not fit together
    Optional<Found> read(WeightFiles files, Wanted wanted, Region region);

    /// The form that a `quantization_config` describes.
    ///
    /// @throws UnsupportedFormException with every reason why it cannot be read
    static PackedForm of(Map<?, ?> tree) {
        var forms =
                new TreeMap<String, Function<QuantizationConfig, PackedForm>>(
                        Map.of(
                                "aqlm", Aqlm::of,
                                "awq", Awq::of,
                                "bitsandbytes", PackedForm::bitsAndBytes,
                                "compressed-tensors", CompressedTensors::of,
                                "eetq", Eetq::of,
                                "fbgemm_fp8", ScaledFloat8::rows,
                                "fp8", ScaledFloat8::blocks,
                                "gptq", Gptq::of,
                                "hqq", Hqq::of,
                                "mxfp4", Mxfp4::of));
        var config = new QuantizationConfig(tree);
        Function<QuantizationConfig, PackedForm> reader =
                forms.get(String.valueOf(tree.get("quant_method")));
        if (reader == null) {
            throw new UnsupportedFormException(
                    List.of(
                            "quantization_config: quant_method '%s' is not supported (supported: %s)"
                                    .formatted(
                                            tree.get("quant_method"),
                                            String.join(", ", forms.keySet()))));
        }
        PackedForm form = reader.apply(config);
        if (!config.faults().isEmpty()) {
            throw new UnsupportedFormException(config.faults());
        }
        return form;
    }

    private static PackedForm bitsAndBytes(QuantizationConfig config) {
        return config.flag("load_in_8bit")
                ? new BitsAndBytes8((float) config.number("llm_int8_threshold", 6))
                : new BitsAndBytes4();
    }

    /// The form of a checkpoint, or empty if all of it is plain.
    ///
    /// @throws ModelFileException naming a form that cannot be read
    static Optional<PackedForm> of(ModelDirectory directory) {
        fault(directory.config())
                .ifPresent(fault -> {
                    throw new ModelFileException(
                            directory.path().resolve(ModelDirectory.CONFIG), fault);
                });
        return config(directory.config()).map(PackedForm::of);
    }

    /// Why a checkpoint with this `config.json` cannot be read, if its form is not supported.
    static Optional<String> fault(Map<String, Object> config) {
        try {
            Optional<PackedForm> _ = config(config).map(PackedForm::of);
            return Optional.empty();
        } catch (UnsupportedFormException e) {
            return Optional.of(String.join("; ", e.faults()));
        }
    }

    private static Optional<Map<?, ?>> config(Map<String, Object> config) {
        Object form = config.get("quantization_config");
        return form == null
                ? Optional.empty()
                : Optional.of(form instanceof Map<?, ?> map ? map : Map.of());
    }
}
