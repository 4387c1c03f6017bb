package dev.tunesmith.engine.gguf;

import dev.tunesmith.engine.model.Architecture;
import dev.tunesmith.engine.model.PanelStorage;
import dev.tunesmith.kernels.cpu.Panels;
import java.util.Optional;

/// Stores the matrices that decoding reads as an exported file of a mixture would: the same types,
/// and in those of fewer than eight bits the same codes.
public final class GgufPanels implements PanelStorage {
    private final GgufMixture mixture;
    private final int layers;
    private final boolean tied;

    /// For the matrices of one model.
    public GgufPanels(GgufMixture mixture, Architecture architecture) {
        this.mixture = mixture;
        this.layers = architecture.size().layers();
        this.tied = architecture.edges().tied();
    }

    /// Matrices that no file of llama.cpp knows take the mixture's usual type.
    @Override
    public Choice of(String name, long inputs) {
        String known = GgufFamily.LLAMA.ggufName(name).orElse(name);
        GgufType type = mixture.of(known, GgufFamily.layer(known), layers, tied, inputs);
        Optional<Panels.Form> coded = coded(type);
        return coded.isPresent()
                ? new Choice(coded.get(), rows -> blocks(type, rows))
                : PanelStorage.uniform(type == GgufType.Q8_0 ? Panels.Form.Q8_0 : Panels.Form.BF16)
                        .of(name, inputs);
    }

    private static Optional<Panels.Form> coded(GgufType type) {
        return switch (type) {
            case Q5_0 -> Optional.of(Panels.Form.Q5_0);
            case Q4_K -> Optional.of(Panels.Form.Q4_K);
            case Q6_K -> Optional.of(Panels.Form.Q6_K);
            case F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_1, Q2_K, Q3_K, Q5_K, IQ4_NL, IQ4_XS ->
                    Optional.empty();
        };
    }

    private static byte[] blocks(GgufType type, float[] rows) {
        byte[] blocks = new byte[rows.length / type.blockValues() * type.blockBytes()];
        type.encode(rows, blocks, 0);
        return blocks;
    }
}
