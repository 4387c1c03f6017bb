package dev.tunesmith.bench.crash;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.FreshWeights;
import dev.tunesmith.engine.text.ByteLevelTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A user's own model, made at random, on the whole path: imported, trained, and every form of it
/// served.
///
/// @param family `qwen2` or `llama`
/// @param export what becomes of its adapter
record ImportedModel(String family, String export) {
    private static final int STEPS = 6;
    private static final int VOCABULARY = 300;

    private String name() {
        return "own-" + family;
    }

    /// Does all of it against a running stack.
    void trainAndServe(PackagedStack stack, StackApi api, Path room) throws IOException {
        Path folder = write(Files.createDirectories(room.resolve(name())));
        PackagedStack.Answer imported =
                stack.cli("models", "import", folder.toString(), "--name", name());
        assertThat(imported.code()).as(imported.text()).isZero();
        String file = api.upload("rows.jsonl", rows().getBytes(UTF_8));
        JsonNode created =
                api.create(
                        StackApi.JSON.readTree(
                                """
                                {"model": "%s", "training_file": "%s", "seed": 3, "suffix": "own",
                                 "x_training": {"adapter": "lora", "rank": 4, "max_steps": %d, "save_steps": 3,
                                   "export": "%s"}}
                                """
                                        .formatted(name(), file, STEPS, export)));
        String path = "/v1/fine_tuning/jobs/" + created.path("id").asText();
        stack.await(
                "the end of a job on " + name(), () -> !api.get(path).path("finished_at").isNull());
        JsonNode job = api.get(path);
        assertThat(job.path("status").asText()).as(job.toString()).isEqualTo("succeeded");

        String table = job.path("result_files").path(0).asText();
        assertThat(new String(api.bytes("/v1/files/" + table + "/content"), UTF_8).lines())
                .startsWith("step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy")
                .hasSizeGreaterThanOrEqualTo(1 + STEPS);
        JsonNode checkpoint = api.get(path + "/checkpoints").path("data").path(0);
        assertThat(checkpoint.path("metrics").path("train_loss").isNumber()).isTrue();
        String tuned = job.path("fine_tuned_model").asText();
        assertThat(api.get("/v1/models/" + tuned).path("x_kind").asText()).isEqualTo(export);
        String between = checkpoint.path("fine_tuned_model_checkpoint").asText();
        assertThat(between).isEqualTo(tuned + ":ckpt-step-3");
        for (String model : List.of(name(), tuned, between)) {
            assertThat(api.tryChat(model, "What is 3?")).as(model).isPresent();
        }
    }

    private Path write(Path folder) throws IOException {
        Map<String, Object> config = new LinkedHashMap<>();
        boolean qwen2 = family.equals("qwen2");
        config.put("model_type", family);
        config.put("architectures", List.of(qwen2 ? "Qwen2ForCausalLM" : "LlamaForCausalLM"));
        config.put("hidden_size", qwen2 ? 32 : 64);
        config.put("intermediate_size", 64);
        config.put("num_hidden_layers", 2);
        config.put("num_attention_heads", 4);
        config.put("num_key_value_heads", 2);
        config.put("vocab_size", VOCABULARY);
        config.put("max_position_embeddings", 256);
        config.put("rms_norm_eps", 1e-6);
        config.put("rope_theta", 10000.0);
        config.put("hidden_act", "silu");
        config.put("initializer_range", 0.2);
        config.put("tie_word_embeddings", qwen2);
        config.put("torch_dtype", qwen2 ? "float32" : "bfloat16");
        JsonTree.write(folder.resolve(ModelDirectory.CONFIG), config);
        FreshWeights.write(folder, 11);
        ByteLevelTokenizer.write(
                folder.resolve(ModelDirectory.TOKENIZER),
                ByteLevelTokenizer.train(
                        List.of(rows()),
                        VOCABULARY,
                        List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>")));
        JsonTree.write(
                folder.resolve(ModelDirectory.TOKENIZER_CONFIG),
                Map.of("eos_token", "<|im_end|>", "pad_token", "<|endoftext|>"));
        return folder;
    }

    private static String rows() {
        StringBuilder rows = new StringBuilder();
        for (int i = 0; i < 24; i++) {
            rows.append(
                    """
                    {"messages":[{"role":"user","content":"What is %d?"},\
                    {"role":"assistant","content":"It is a number, %d."}]}
                    """
                            .formatted(i, i));
        }
        return rows.toString();
    }
}
