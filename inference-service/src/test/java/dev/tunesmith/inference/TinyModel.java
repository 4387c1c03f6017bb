package dev.tunesmith.inference;

import dev.tunesmith.contracts.event.Manifest;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.contracts.serving.ServingGrant;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.FreshWeights;
import dev.tunesmith.engine.text.ByteLevelTokenizer;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.objects.ObjectStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;

/// A random model of a few thousand parameters with a tokenizer of its own, stored as an import
/// would store it.
public final class TinyModel {
    static final int VOCABULARY = 300;
    static final int CONTEXT = 128;
    private static final byte[] KEY = TestSettings.GRANT_KEY.getBytes(StandardCharsets.UTF_8);

    /// Shows functions and calls as models of the Hermes family do.
    static final String CALLING_TEMPLATE =
            """
            {%- if tools -%}
            {{ '<|im_start|>system\\n' }}{% for tool in tools %}{{ tool | tojson }}{% endfor %}
            {{- '<tool_call><|im_end|>' }}
            {%- endif -%}
            {%- for message in messages -%}
            {{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
            {%- endfor -%}
            {%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}
            """;

    private TinyModel() {}

    /// Puts the model below a prefix and returns where its manifest is.
    static ServingGrant.Weights store(ObjectStore objects, Path folder, String prefix) {
        return store(objects, folder, prefix, Map.of());
    }

    /// The same with further files.
    static ServingGrant.Weights store(
            ObjectStore objects, Path folder, String prefix, Map<String, String> more) {
        try {
            write(folder);
            for (Map.Entry<String, String> file : more.entrySet()) {
                Files.writeString(folder.resolve(file.getKey()), file.getValue());
            }
            return publish(objects, folder, prefix);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Puts a folder below a prefix and returns where its manifest is.
    static ServingGrant.Weights publish(ObjectStore objects, Path folder, String prefix) {
        try {
            var entries = new ArrayList<Manifest.Entry>();
            List<Path> files;
            try (Stream<Path> list = Files.list(folder)) {
                files = list.sorted().toList();
            }
            for (Path file : files) {
                String name = file.getFileName().toString();
                ObjectStore.Stored stored = objects.put(prefix + name, file);
                entries.add(
                        new Manifest.Entry(name, stored.key(), stored.bytes(), stored.sha256()));
            }
            Manifest manifest = Manifest.ofModel(null, entries);
            ObjectStore.Stored stored =
                    objects.put(prefix + Manifest.FILE_NAME, Json.bytes(manifest));
            return new ServingGrant.Weights(stored.key(), stored.sha256());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Writes the model into a folder.
    public static void write(Path folder) throws IOException {
        Files.createDirectories(folder);
        JsonTree.write(
                folder.resolve(ModelDirectory.CONFIG),
                Map.ofEntries(
                        Map.entry("model_type", "llama"),
                        Map.entry("architectures", List.of("LlamaForCausalLM")),
                        Map.entry("hidden_size", 32),
                        Map.entry("intermediate_size", 64),
                        Map.entry("num_hidden_layers", 2),
                        Map.entry("num_attention_heads", 4),
                        Map.entry("num_key_value_heads", 2),
                        Map.entry("vocab_size", VOCABULARY),
                        Map.entry("max_position_embeddings", CONTEXT),
                        Map.entry("rms_norm_eps", 1e-5),
                        Map.entry("rope_theta", 10000.0),
                        Map.entry("hidden_act", "silu"),
                        Map.entry("initializer_range", 0.5),
                        Map.entry("tie_word_embeddings", true)));
        FreshWeights.write(folder, 7);
        ByteLevelTokenizer.write(
                folder.resolve(ModelDirectory.TOKENIZER),
                ByteLevelTokenizer.train(
                        List.of("hello world, hello tokens, the quick brown fox and what it says"),
                        VOCABULARY,
                        List.of("<|im_start|>", "<|im_end|>")));
    }

    /// A grant that is valid for a minute.
    static String grant(ServingGrant.Weights weights) {
        return grant(weights, Instant.now().plusSeconds(60));
    }

    static String grant(ServingGrant.Weights weights, Instant expiresAt) {
        return new ServingGrant(
                        new TenantId(UUID.randomUUID()),
                        "tiny",
                        "req_1",
                        expiresAt,
                        ServingGrant.Kind.BASE,
                        weights,
                        null)
                .sign(KEY);
    }
}
