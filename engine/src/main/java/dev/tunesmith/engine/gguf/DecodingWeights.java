package dev.tunesmith.engine.gguf;

import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.Architecture;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.model.PanelStorage;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Device;
import dev.tunesmith.engine.tensor.DeviceException;
import dev.tunesmith.kernels.cpu.Panels;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/// Types of the weights that decoding reads, by their names in llama.cpp. A model that is stored as
/// codes keeps those in its linear layers.
public enum DecodingWeights {
    BF16,
    /// One byte and a scale for 32 of them; what has no whole blocks stays bf16.
    Q8_0,
    /// What an export to GGUF holds: four bits, more where errors cost most, and finer types where
    /// rows have no whole blocks.
    Q4_K_M;

    /// The name in settings.
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// The type of that name.
    ///
    /// @throws IllegalArgumentException with the names that there are
    public static DecodingWeights named(String wire) {
        return Arrays.stream(values())
                .filter(each -> each.wire().equals(wire))
                .findFirst()
                .orElseThrow(() ->
                        new IllegalArgumentException(
                                "weights are %s, not '%s'"
                                        .formatted(
                                                Arrays.stream(values())
                                                        .map(DecodingWeights::wire)
                                                        .collect(Collectors.joining(", ")),
                                                wire)));
    }

    /// Refuses what the device does not multiply with.
    ///
    /// @throws DeviceException which says what to do
    public void requireOn(Device device) {
        if (this != BF16 && !device.hostVisible()) {
            throw new DeviceException(
                    "weights in %s are for the CPU; on %s take bf16, or a model that is stored as codes"
                            .formatted(wire(), device.wire()));
        }
    }

    /// How a decoder on the current device holds the model's weights.
    ///
    /// @throws DeviceException if the device does not multiply with them
    public Decoder.Form form(ModelDirectory directory) {
        requireOn(Device.current());
        return storage(directory)
                .map(Decoder.Form::resident)
                .orElseGet(() -> Decoder.Form.dense(DType.BF16, Decoder.Loading.RESIDENT));
    }

    private Optional<PanelStorage> storage(ModelDirectory directory) {
        return switch (this) {
            case BF16 -> Optional.empty();
            case Q8_0 -> Optional.of(PanelStorage.uniform(Panels.Form.Q8_0));
            case Q4_K_M ->
                    Optional.of(
                            new GgufPanels(
                                    GgufMixture.Q4_K_M, Architecture.of(directory.config())));
        };
    }
}
