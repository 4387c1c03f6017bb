package dev.tunesmith.engine.model;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/// How a checkpoint names and joins the matrices.
///
/// @param queryKeyValue how query, key and value lie
/// @param gateUpJoined whether gate and up are one matrix, gate first
/// @param transposed whether matrices lie as [inputs, outputs]
/// @param names what every part is called; parts of a layer follow [Part#LAYER]
public record Layout(
        Joining queryKeyValue, boolean gateUpJoined, boolean transposed, Map<Part, String> names) {

    /// How query, key and value lie.
    public enum Joining {
        /// A matrix each.
        SEPARATE,
        /// One matrix: all query heads, all key heads, all value heads.
        SIDE_BY_SIDE,
        /// One matrix: for every key head its query heads, the key and the value.
        GROUPED
    }

    /// What a model consists of.
    public enum Part {
        EMBEDDING("model.embed_tokens"),
        EMBEDDING_NORM("model.embed_layernorm"),
        POSITIONS("model.embed_positions"),
        LAYER("model.layers.%d."),
        LAST_NORM("model.norm"),
        HEAD("lm_head"),
        ATTENTION_IN("input_layernorm"),
        ATTENTION_OUT("post_attention_layernorm"),
        MLP_IN("post_attention_layernorm"),
        MLP_OUT("post_feedforward_layernorm"),
        QUERY("self_attn.q_proj"),
        KEY("self_attn.k_proj"),
        VALUE("self_attn.v_proj"),
        QUERY_KEY_VALUE("self_attn.qkv_proj"),
        QUERY_NORM("self_attn.q_norm"),
        KEY_NORM("self_attn.k_norm"),
        OUTPUT("self_attn.o_proj"),
        SINKS("self_attn.sinks"),
        GATE("mlp.gate_proj"),
        UP("mlp.up_proj"),
        GATE_UP("mlp.gate_up_proj"),
        DOWN("mlp.down_proj"),
        NONLINEARITY("mlp.act_fn"),
        ROUTER("mlp.gate"),
        CORRECTION("mlp.gate.e_score_correction_bias"),
        EXPERT("mlp.experts.%d."),
        EXPERT_GATE("gate_proj"),
        EXPERT_UP("up_proj"),
        EXPERT_DOWN("down_proj"),
        EXPERTS_GATE_UP("mlp.experts.gate_up_proj"),
        EXPERTS_DOWN("mlp.experts.down_proj"),
        SHARED("mlp.shared_expert."),
        SHARED_GATE("mlp.shared_expert_gate");

        private final String llama;

        Part(String llama) {
            this.llama = llama;
        }
    }

    /// A matrix for each branch, under the names of Llama.
    public static final Layout LLAMA = new Layout(Joining.SEPARATE, false, false, Map.of());

    public Layout {
        names = Map.copyOf(names);
    }

    /// Whether it has a name of its own for that part, without which some parts do not exist.
    boolean names(Part part) {
        return names.containsKey(part);
    }

    /// The name of a part.
    public String name(Part part) {
        return names.getOrDefault(part, part.llama);
    }

    /// The same with another name of one part.
    Layout with(Part part, String name) {
        Map<Part, String> changed = new EnumMap<>(Part.class);
        changed.putAll(names);
        changed.put(part, name);
        return new Layout(queryKeyValue, gateUpJoined, transposed, changed);
    }

    /// The same with query, key and value joined in one matrix of that name.
    Layout joined(Joining joining, String name) {
        return new Layout(joining, gateUpJoined, transposed, names)
                .with(Part.QUERY_KEY_VALUE, name);
    }

    /// The same with gate and up in one matrix.
    Layout gateUpJoined(String name) {
        return new Layout(queryKeyValue, true, transposed, names).with(Part.GATE_UP, name);
    }

    /// The same below another path: `prefix` in place of Llama's `model.`.
    Layout under(String prefix) {
        Layout moved = this;
        for (Part part :
                List.of(
                        Part.EMBEDDING,
                        Part.EMBEDDING_NORM,
                        Part.POSITIONS,
                        Part.LAYER,
                        Part.LAST_NORM)) {
            moved = moved.with(part, prefix + name(part).replaceFirst("^model\\.", ""));
        }
        return moved;
    }

    /// The same with matrices as [inputs, outputs].
    Layout turned() {
        return new Layout(queryKeyValue, gateUpJoined, true, names);
    }
}
