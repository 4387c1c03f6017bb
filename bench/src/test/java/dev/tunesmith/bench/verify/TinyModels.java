package dev.tunesmith.bench.verify;

import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.FreshWeights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Small random models with the tokenizer of the bundled one, written by us.
final class TinyModels {
    private static final Path NANO = Path.of("../examples/nano/model");

    private TinyModels() {}

    /// A model whose rows are whole blocks of 256 values.
    static ModelDirectory write(Path folder, String family, Map<String, Object> changes)
            throws IOException {
        Files.createDirectories(folder);
        for (String name :
                List.of(
                        ModelDirectory.TOKENIZER,
                        ModelDirectory.TOKENIZER_CONFIG,
                        ModelDirectory.CHAT_TEMPLATE)) {
            Files.copy(NANO.resolve(name), folder.resolve(name));
        }
        Map<String, Object> config = new HashMap<>();
        config.put("model_type", family);
        config.put("hidden_size", 256);
        config.put("intermediate_size", 512);
        config.put("num_hidden_layers", 4);
        config.put("num_attention_heads", 8);
        config.put("num_key_value_heads", 4);
        config.put("head_dim", 32);
        config.put("vocab_size", 2050);
        config.put("max_position_embeddings", 128);
        config.put("initializer_range", 0.08);
        config.put("hidden_act", "silu");
        config.put("hidden_activation", "gelu_pytorch_tanh");
        config.put("final_logit_softcapping", 30.0);
        config.put("attn_logit_softcapping", 50.0);
        config.put("rms_norm_eps", 1e-5);
        config.put("tie_word_embeddings", false);
        config.put("eos_token_id", 2);
        config.putAll(changes);
        JsonTree.write(folder.resolve(ModelDirectory.CONFIG), config);
        FreshWeights.write(folder, 7);
        return ModelDirectory.open(folder);
    }
}
