package dev.tunesmith.engine.model;

import dev.tunesmith.engine.model.Architecture.Patch;
import dev.tunesmith.engine.model.Architecture.Vision;
import dev.tunesmith.engine.nn.Block;
import dev.tunesmith.engine.nn.Embedding;
import dev.tunesmith.engine.nn.Linear;
import dev.tunesmith.engine.nn.Norm;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.nn.PlainMlp;
import dev.tunesmith.engine.nn.Weight;
import dev.tunesmith.engine.nn.position.PositionTable;
import dev.tunesmith.engine.vision.Tower;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Builds the tower of a vision-language model from the tensors of a checkpoint, and finds out
/// below which paths this checkpoint has its parts.
final class VisionReader {

    private static final List<String> TEXTS =
            List.of("language_model.model.", "model.language_model.", "model.");
    private static final List<String> CLIPS =
            List.of(
                    "vision_tower.vision_model.",
                    "vision_tower.",
                    "model.vision_tower.vision_model.",
                    "model.vision_tower.");
    private static final List<String> PROJECTORS =
            List.of("multi_modal_projector.", "model.multi_modal_projector.");
    private static final List<String> QWENS = List.of("visual.", "model.visual.");

    /// What checkpoints of models with towers hold beside their text model.
    private static final List<String> TOWERS =
            List.of(
                    "vision_tower.",
                    "model.vision_tower.",
                    "multi_modal_projector.",
                    "model.multi_modal_projector.");

    private final Vision vision;
    private final Checkpoint checkpoint;

    VisionReader(Vision vision, Checkpoint checkpoint) {
        this.vision = vision;
        this.checkpoint = checkpoint;
    }

    /// Where the text model lies in this checkpoint.
    static Layout text(Layout layout, Checkpoint checkpoint) {
        String path = checkpoint.path(TEXTS, "embed_tokens.weight");
        boolean own = path.equals(TEXTS.getFirst());
        return layout.under(path)
                .with(Layout.Part.HEAD, own ? "language_model.lm_head" : "lm_head");
    }

    /// Keeps a tower that is not run, so that a trained copy still has it.
    static void keep(Checkpoint checkpoint) {
        TOWERS.forEach(checkpoint::keepBelow);
    }

    Tower tower() {
        return switch (vision.form()) {
            case CLIP -> clip();
            case QWEN -> qwen();
        };
    }

    private Tower clip() {
        String path = checkpoint.path(CLIPS, "embeddings.patch_embedding.weight");
        LayerReader reader = reader(path);
        int width = vision.tower().size().width();
        String embeddings = path + "embeddings.";
        Tower.Start start =
                new Tower.Start(
                        checkpoint.parameter(embeddings + "class_embedding", width),
                        new PositionTable(
                                new Embedding(
                                        embeddings + "position_embedding",
                                        checkpoint.parameter(
                                                embeddings + "position_embedding.weight",
                                                vision.patch().count() + 1L,
                                                width),
                                        1)),
                        reader.norm(path + "pre_layrnorm", width));
        Patch patch = vision.patch();
        long[] shape = {width, patch.channels(), patch.side(), patch.side()};
        Linear patches = patches(embeddings + "patch_embedding", shape);
        List<Block> blocks = blocks(reader);
        for (int unused = vision.blocks(); unused < vision.tower().size().layers(); unused++) {
            Block _ = reader.block(unused);
            checkpoint.fix(path + "encoder.layers.%d.".formatted(unused));
        }
        Norm _ = reader.norm(path + "post_layernorm", width);
        checkpoint.fix(path + "post_layernorm.");
        String projector = checkpoint.path(PROJECTORS, "linear_1.weight");
        return tower(
                patches,
                start,
                blocks,
                null,
                projector(projector + "linear_1", projector + "linear_2"));
    }

    private Tower qwen() {
        String path = checkpoint.path(QWENS, "patch_embed.proj.weight");
        LayerReader reader = reader(path);
        int width = vision.tower().size().width();
        Patch patch = vision.patch();
        long[] shape = {width, patch.channels(), patch.frames(), patch.side(), patch.side()};
        Linear patches = patches(path + "patch_embed.proj", shape);
        List<Block> blocks = blocks(reader);
        Norm last = reader.norm(path + "merger.ln_q", width);
        return tower(
                patches,
                null,
                blocks,
                last,
                projector(path + "merger.mlp.0", path + "merger.mlp.2"));
    }

    private LayerReader reader(String path) {
        Architecture tower = vision.tower();
        return new LayerReader(tower.with(tower.layout().under(path)), checkpoint);
    }

    private List<Block> blocks(LayerReader reader) {
        List<Block> blocks = new ArrayList<>();
        for (int layer = 0; layer < vision.blocks(); layer++) {
            blocks.add(reader.block(layer));
        }
        return blocks;
    }

    private Tower tower(
            Linear patches,
            Tower.@Nullable Start start,
            List<Block> blocks,
            @Nullable Norm last,
            PlainMlp projector) {
        return new Tower(new Tower.Layers(patches, start, blocks, last, projector), vision.plan());
    }

    private Linear patches(String path, long[] storedShape) {
        return new Linear(
                path,
                new Weight.Dense(
                        checkpoint.folded(
                                path + ".weight",
                                storedShape,
                                storedShape[0],
                                vision.patch().numbers())),
                null);
    }

    private PlainMlp projector(String first, String second) {
        Architecture.Mlp plan = vision.projector();
        long merged = (long) vision.plan().merge() * vision.plan().merge();
        long in = merged * vision.tower().size().width();
        long inner = plan.width();
        return new PlainMlp(
                linear(first, inner, in, plan.bias()),
                linear(second, vision.tower().size().vocabulary(), inner, plan.bias()),
                plan.activation());
    }

    private Linear linear(String path, long outputs, long inputs, boolean bias) {
        Parameter biasOrNull = bias ? checkpoint.parameter(path + ".bias", outputs) : null;
        return new Linear(path, checkpoint.matrix(path, outputs, inputs), biasOrNull);
    }
}
