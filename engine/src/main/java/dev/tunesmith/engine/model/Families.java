package dev.tunesmith.engine.model;

import dev.tunesmith.contracts.fit.FamilyDefaults;
import dev.tunesmith.engine.quant.PackedForm;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;

/// The families that can be run, each a reader of its `config.json`.
///
/// Defaults are those of the family's configuration class in transformers.
final class Families {

    private static final SortedMap<String, Function<Reading, Architecture>> READERS =
            new TreeMap<>(
                    Map.ofEntries(
                            Map.entry("apertus", LlamaFamilies::apertus),
                            Map.entry("arcee", LlamaFamilies::arcee),
                            Map.entry("baichuan", LlamaFamilies::baichuan),
                            Map.entry("bloom", CentredFamilies::bloom),
                            Map.entry("chatglm", LlamaFamilies::chatglm),
                            Map.entry("cohere", CentredFamilies::cohere),
                            Map.entry("cohere2", CentredFamilies::cohere2),
                            Map.entry("deepseek_v2", MixtureFamilies::deepseekV2),
                            Map.entry("deepseek_v3", MixtureFamilies::deepseekV3),
                            Map.entry("dots1", MixtureFamilies::dots1),
                            Map.entry("ernie4_5", LlamaFamilies::ernie45),
                            Map.entry("ernie4_5_moe", MixtureFamilies::ernie45Moe),
                            Map.entry("exaone4", LlamaFamilies::exaone4),
                            Map.entry("falcon", CentredFamilies::falcon),
                            Map.entry("gemma", GemmaFamilies::gemma),
                            Map.entry("gemma2", GemmaFamilies::gemma2),
                            Map.entry("gemma3", GemmaFamilies::gemma3),
                            Map.entry("gemma3_text", GemmaFamilies::gemma3),
                            Map.entry("glm", LlamaFamilies::glm),
                            Map.entry("glm4", LlamaFamilies::glm4),
                            Map.entry("glm4_moe", MixtureFamilies::glm4Moe),
                            Map.entry("gpt2", CentredFamilies::gpt2),
                            Map.entry("gpt_bigcode", CentredFamilies::gptBigCode),
                            Map.entry("gpt_neox", CentredFamilies::gptNeox),
                            Map.entry("gpt_oss", MixtureFamilies::gptOss),
                            Map.entry("gptj", CentredFamilies::gptj),
                            Map.entry("granite", LlamaFamilies::granite),
                            Map.entry("granitemoe", MixtureFamilies::graniteMoe),
                            Map.entry("helium", LlamaFamilies::helium),
                            Map.entry("hunyuan_v1_dense", LlamaFamilies::hunyuan),
                            Map.entry("hunyuan_v1_moe", MixtureFamilies::hunyuanMoe),
                            Map.entry("internlm2", LlamaFamilies::internlm2),
                            Map.entry("internlm3", LlamaFamilies::internlm3),
                            Map.entry("llama", LlamaFamilies::llama),
                            Map.entry("llava", VisionFamilies::llava),
                            Map.entry("ministral", LlamaFamilies::ministral),
                            Map.entry("mistral", LlamaFamilies::mistral),
                            Map.entry("mixtral", MixtureFamilies::mixtral),
                            Map.entry("mpt", CentredFamilies::mpt),
                            Map.entry("nemotron", CentredFamilies::nemotron),
                            Map.entry("olmo", LlamaFamilies::olmo),
                            Map.entry("olmo2", LlamaFamilies::olmo2),
                            Map.entry("olmo3", LlamaFamilies::olmo3),
                            Map.entry("olmoe", MixtureFamilies::olmoe),
                            Map.entry("opt", CentredFamilies::opt),
                            Map.entry("phi", CentredFamilies::phi),
                            Map.entry("phi3", LlamaFamilies::phi3),
                            Map.entry("qwen2", LlamaFamilies::qwen2),
                            Map.entry("qwen2_5_vl", VisionFamilies::qwen25Vl),
                            Map.entry("qwen2_moe", MixtureFamilies::qwen2Moe),
                            Map.entry("qwen2_vl", VisionFamilies::qwen2Vl),
                            Map.entry("qwen3", LlamaFamilies::qwen3),
                            Map.entry("qwen3_moe", MixtureFamilies::qwen3Moe),
                            Map.entry("seed_oss", LlamaFamilies::seedOss),
                            Map.entry("smollm3", LlamaFamilies::smollm3),
                            Map.entry("stablelm", CentredFamilies::stablelm),
                            Map.entry("starcoder2", CentredFamilies::starcoder2)));

    /// Options that a vision-language model says for the whole.
    private static final Set<String> OUTSIDE = Set.of("model_type", "tie_word_embeddings");

    private static final Map<String, String> GPT2 =
            Map.of(
                    "n_layer", "num_hidden_layers",
                    "n_embd", "hidden_size",
                    "n_head", "num_attention_heads",
                    "n_positions", "max_position_embeddings",
                    "n_inner", "intermediate_size",
                    "activation_function", "hidden_act");

    /// Other names of the usual options, by family.
    private static final Map<String, Map<String, String>> RENAMED =
            Map.ofEntries(
                    Map.entry("gpt2", GPT2),
                    Map.entry("gpt_bigcode", GPT2),
                    Map.entry("gptj", GPT2),
                    Map.entry(
                            "mpt",
                            Map.of(
                                    "n_layers", "num_hidden_layers",
                                    "d_model", "hidden_size",
                                    "n_heads", "num_attention_heads",
                                    "max_seq_len", "max_position_embeddings")),
                    Map.entry(
                            "ernie4_5_moe",
                            Map.of(
                                    "moe_num_experts",
                                    "num_experts",
                                    "moe_k",
                                    "num_experts_per_tok")),
                    Map.entry("hunyuan_v1_moe", Map.of("moe_topk", "num_experts_per_tok")),
                    Map.entry(
                            "opt",
                            Map.of(
                                    "ffn_dim", "intermediate_size",
                                    "activation_function", "hidden_act")),
                    Map.entry(
                            "gpt_neox",
                            Map.of(
                                    "rotary_pct", "partial_rotary_factor",
                                    "rotary_emb_base", "rope_theta")),
                    Map.entry(
                            "bloom",
                            Map.of(
                                    "n_layer", "num_hidden_layers",
                                    "n_embed", "hidden_size",
                                    "n_head", "num_attention_heads")),
                    Map.entry(
                            "falcon",
                            Map.of(
                                    "n_layer", "num_hidden_layers",
                                    "n_embed", "hidden_size",
                                    "n_head", "num_attention_heads",
                                    "n_head_kv", "num_key_value_heads",
                                    "num_kv_heads", "num_key_value_heads",
                                    "ffn_hidden_size", "intermediate_size",
                                    "activation", "hidden_act")),
                    Map.entry(
                            "chatglm",
                            Map.of(
                                    "num_layers", "num_hidden_layers",
                                    "padded_vocab_size", "vocab_size",
                                    "ffn_hidden_size", "intermediate_size",
                                    "kv_channels", "head_dim",
                                    "multi_query_group_num", "num_key_value_heads",
                                    "seq_length", "max_position_embeddings",
                                    "layernorm_epsilon", "rms_norm_eps")),
                    Map.entry(
                            "internlm3", Map.of("qkv_bias", "attention_bias", "bias", "mlp_bias")));

    private Families() {}

    static Architecture read(Map<String, Object> tree) {
        String family = String.valueOf(tree.get("model_type"));
        Function<Reading, Architecture> reader = READERS.get(family);
        if (reader == null) {
            throw new UnsupportedModelException(
                    "config.json",
                    List.of(
                            "model_type '%s' is not supported (supported: %s)"
                                    .formatted(family, String.join(", ", READERS.keySet()))));
        }
        ConfigReader config =
                new ConfigReader(
                        FamilyDefaults.completed(
                                renamed(flat(tree), RENAMED.getOrDefault(family, Map.of()))));
        PackedForm.fault(tree).ifPresent(config::fault);
        Architecture architecture = reader.apply(new Reading(config, family));
        config.finish("config.json of family " + family);
        return architecture;
    }

    /// A vision-language model has the options of its text model in a part of their own; whether
    /// the head is tied is said outside.
    private static Map<String, Object> flat(Map<String, Object> tree) {
        if (!(tree.get("text_config") instanceof Map<?, ?> text)) {
            return tree;
        }
        Map<String, Object> flat = new HashMap<>();
        text.forEach((key, value) -> flat.put(String.valueOf(key), value));
        for (String key : tree.keySet()) {
            if (!text.containsKey(key) || OUTSIDE.contains(key)) {
                flat.put(key, tree.get(key));
            }
        }
        return flat;
    }

    private static Map<String, Object> renamed(
            Map<String, Object> tree, Map<String, String> names) {
        Map<String, Object> usual = new HashMap<>(tree);
        if ("gpt_neox".equals(tree.get("model_type"))) {
            // The library knows these only by the family's own names.
            names.values().forEach(usual::remove);
        }
        names.forEach((other, name) -> {
            if (usual.get(other) != null) {
                usual.put(name, usual.get(other));
            }
        });
        return usual;
    }
}
