package dev.tunesmith.engine.model;

import dev.tunesmith.engine.model.Architecture.Edges;
import dev.tunesmith.engine.model.Architecture.Mlp;
import dev.tunesmith.engine.model.Architecture.NormPlan;
import dev.tunesmith.engine.model.Architecture.Patch;
import dev.tunesmith.engine.model.Architecture.Positions;
import dev.tunesmith.engine.model.Architecture.Size;
import dev.tunesmith.engine.model.Architecture.Vision;
import dev.tunesmith.engine.model.Layout.Joining;
import dev.tunesmith.engine.model.Layout.Part;
import dev.tunesmith.engine.nn.Activation;
import dev.tunesmith.engine.nn.Attention;
import dev.tunesmith.engine.nn.AttentionShape;
import dev.tunesmith.engine.nn.AttentionShape.Bias;
import dev.tunesmith.engine.nn.AttentionShape.QueryKeyNorm;
import dev.tunesmith.engine.ops.DocumentAttention;
import dev.tunesmith.engine.vision.Tower;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Vision-language families: a text model of another family, and a tower for pictures.
final class VisionFamilies {

    private static final double QWEN_EPS = 1e-6;
    private static final double THETA = 10_000;

    private VisionFamilies() {}

    static Architecture llava(Reading reading) {
        ConfigReader config = reading.config();
        ConfigReader vision = config.child("vision_config");
        vision.only("model_type", "clip_vision_model");
        config.only("vision_feature_select_strategy", "default", "full");
        Architecture text = llavaText(reading);
        int width = text.size().width();
        int layers = vision.size("num_hidden_layers", 12);
        int side = vision.size("patch_size", 32);
        int perSide = vision.size("image_size", 224) / side;
        Architecture tower =
                clip(
                        vision,
                        new Size(
                                layers, vision.size("hidden_size", 768), width, perSide * perSide));
        boolean whole = config.text("vision_feature_select_strategy", "default").equals("full");
        return text.with(
                new Vision(
                        tower,
                        Vision.Form.CLIP,
                        imageToken(config, "image_token_index", "image_token_id"),
                        new Patch(side, vision.size("num_channels", 3), 1, perSide * perSide),
                        new Tower.Plan(1, whole, tower.attention().headWidth(), 0, 0, Set.of()),
                        blocksUsed(config, layers),
                        new Mlp(
                                width,
                                reading.activation("projector_hidden_act", "gelu"),
                                config.flag("multimodal_projector_bias", true),
                                false,
                                null)));
    }

    private static Architecture llavaText(Reading reading) {
        ConfigReader config = reading.config();
        String type = config.child("text_config").text("model_type", "llama");
        return switch (type) {
            case "llama" -> LlamaFamilies.llama(reading);
            case "mistral" -> LlamaFamilies.mistral(reading);
            case "qwen2" -> LlamaFamilies.qwen2(reading);
            default -> {
                config.fault(
                        "text_config.model_type = %s is not supported (supported: llama, mistral, qwen2)"
                                .formatted(type));
                yield LlamaFamilies.llama(reading);
            }
        };
    }

    /// Blocks before the state that is taken: counted from the first if positive, from behind the
    /// last if negative.
    private static int blocksUsed(ConfigReader config, int layers) {
        int feature = config.integer("vision_feature_layer", -2);
        int blocks = feature < 0 ? layers + 1 + feature : feature;
        if (blocks < 0 || blocks > layers) {
            config.fault(
                    "vision_feature_layer = %d of %d layers is not there"
                            .formatted(feature, layers));
            return layers;
        }
        return blocks;
    }

    private static Architecture clip(ConfigReader vision, Size size) {
        Mlp mlp =
                new Mlp(
                        vision.size("intermediate_size", 3072),
                        activation(vision, "quick_gelu"),
                        true,
                        false,
                        null);
        return tower(
                size,
                vision.size("num_attention_heads", 12),
                mlp,
                new NormPlan(
                        vision.number("layer_norm_eps", 1e-5),
                        0,
                        NormPlan.Placement.BEFORE,
                        NormPlan.Kind.CENTRED),
                Attention.NO_ROTARY,
                Layout.LLAMA
                        .with(Part.LAYER, "encoder.layers.%d.")
                        .with(Part.ATTENTION_IN, "layer_norm1")
                        .with(Part.MLP_IN, "layer_norm2")
                        .with(Part.OUTPUT, "self_attn.out_proj")
                        .with(Part.UP, "mlp.fc1")
                        .with(Part.DOWN, "mlp.fc2"));
    }

    static Architecture qwen2Vl(Reading reading) {
        ConfigReader vision = reading.config().child("vision_config");
        int width = vision.size("embed_dim", 1280);
        Mlp mlp =
                new Mlp(
                        (int) (width * vision.number("mlp_ratio", 4.0)),
                        activation(vision, "quick_gelu"),
                        true,
                        false,
                        null);
        Architecture text = qwenText(reading);
        return text.with(
                qwenVision(
                        reading,
                        new Size(vision.size("depth", 32), width, text.size().width(), 0),
                        mlp,
                        NormPlan.Kind.CENTRED,
                        0));
    }

    static Architecture qwen25Vl(Reading reading) {
        ConfigReader vision = reading.config().child("vision_config");
        vision.only("hidden_act", "silu");
        Mlp mlp = new Mlp(vision.size("intermediate_size", 3420), Activation.SILU, true);
        Architecture text = qwenText(reading);
        return text.with(
                qwenVision(
                        reading,
                        new Size(
                                vision.size("depth", 32),
                                vision.size("hidden_size", 3584),
                                text.size().width(),
                                0),
                        mlp,
                        NormPlan.Kind.RMS,
                        vision.size("window_size", 112)));
    }

    private static Architecture qwenText(Reading reading) {
        Architecture text = LlamaFamilies.qwen2(reading);
        ConfigReader config = reading.config();
        ConfigReader parameters = config.child("rope_parameters");
        ConfigReader rope = parameters.isEmpty() ? config.child("rope_scaling") : parameters;
        List<Integer> sections =
                rope.has("mrope_section") ? rope.integers("mrope_section") : List.of(16, 24, 24);
        Positions positions = text.positions();
        return text.with(
                        new Positions(
                                positions.windows_L(),
                                List.of(positions.rotaries().getFirst().withSections(sections)),
                                positions.rotaryOf_L()))
                .with(Edges.plain(config.flag("tie_word_embeddings", false)));
    }

    private static Vision qwenVision(
            Reading reading, Size size, Mlp mlp, NormPlan.Kind norms, int window) {
        ConfigReader config = reading.config();
        ConfigReader vision = config.child("vision_config");
        int side = vision.size("patch_size", 14);
        int merge = vision.size("spatial_merge_size", 2);
        int channels = vision.size("in_channels", vision.size("in_chans", 3));
        Architecture tower =
                tower(
                        size,
                        vision.size("num_heads", 16),
                        mlp,
                        new NormPlan(QWEN_EPS, 0, NormPlan.Placement.BEFORE, norms),
                        0,
                        Layout.LLAMA
                                .joined(Joining.SIDE_BY_SIDE, "attn.qkv")
                                .with(Part.LAYER, "blocks.%d.")
                                .with(Part.ATTENTION_IN, "norm1")
                                .with(Part.MLP_IN, "norm2")
                                .with(Part.OUTPUT, "attn.proj")
                                .with(Part.UP, mlp.gated() ? "mlp.up_proj" : "mlp.fc1")
                                .with(Part.DOWN, mlp.gated() ? "mlp.down_proj" : "mlp.fc2"));
        Set<Integer> whole =
                vision.has("fullatt_block_indexes")
                        ? new HashSet<>(vision.integers("fullatt_block_indexes"))
                        : Set.of(7, 15, 23, 31);
        double theta = vision.child("rope_parameters").number("rope_theta", THETA);
        return new Vision(
                tower,
                Vision.Form.QWEN,
                imageToken(config, "image_token_id", "image_token_index"),
                new Patch(side, channels, vision.size("temporal_patch_size", 2), 0),
                new Tower.Plan(
                        merge,
                        false,
                        tower.attention().headWidth(),
                        theta,
                        window / side,
                        window == 0 ? Set.of() : whole),
                size.layers(),
                new Mlp(size.width() * merge * merge, Activation.GELU, true, false, null));
    }

    private static int imageToken(ConfigReader config, String key, String other) {
        return config.has(key) ? config.size(key) : config.size(other);
    }

    private static Activation activation(ConfigReader vision, String absent) {
        String name = vision.text("hidden_act", absent);
        return switch (name) {
            case "quick_gelu" -> Activation.QUICK_GELU;
            case "gelu" -> Activation.GELU;
            case "gelu_pytorch_tanh", "gelu_new" -> Activation.GELU_TANH;
            default -> {
                vision.fault(
                        "vision_config.hidden_act = %s is not supported (supported: quick_gelu, gelu, gelu_pytorch_tanh)"
                                .formatted(name));
                yield Activation.GELU;
            }
        };
    }

    /// Blocks that see both ways.
    ///
    /// @param size the vocabulary stands for the width of the text model
    private static Architecture tower(
            Size size, int heads, Mlp mlp, NormPlan norms, int rotary, Layout layout) {
        int headWidth = Math.max(1, size.width() / heads);
        return new Architecture(
                "tower",
                size,
                new AttentionShape(
                        heads,
                        heads,
                        headWidth,
                        1 / Math.sqrt(headWidth),
                        0,
                        QueryKeyNorm.NONE,
                        Bias.ALL),
                new Positions(
                        Collections.nCopies(size.layers(), DocumentAttention.BOTH_WAYS),
                        List.of(),
                        Collections.nCopies(size.layers(), rotary)),
                mlp,
                norms,
                Edges.plain(false),
                layout);
    }
}
