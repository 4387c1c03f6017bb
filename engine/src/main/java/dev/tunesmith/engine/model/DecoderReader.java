package dev.tunesmith.engine.model;

import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.model.entry.Entry;
import dev.tunesmith.engine.model.entry.PositionAngles;
import dev.tunesmith.engine.nn.Block;
import dev.tunesmith.engine.nn.Embedding;
import dev.tunesmith.engine.nn.Head;
import dev.tunesmith.engine.nn.Norm;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.nn.depth.DepthPlan;
import dev.tunesmith.engine.nn.depth.Depths;
import dev.tunesmith.engine.nn.position.PositionTable;
import dev.tunesmith.engine.quant.PackedForm;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.vision.Tower;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Reads a model from its files.
final class DecoderReader {

    private static final String HEAD = "lm_head";

    /// Families of which the text model alone is run.
    private static final Set<String> BLIND = Set.of("gemma3");

    private final Architecture architecture;
    private final Checkpoint checkpoint;
    private final LayerReader layers;

    private DecoderReader(Architecture architecture, Checkpoint checkpoint) {
        this.architecture = architecture;
        this.checkpoint = checkpoint;
        this.layers = new LayerReader(architecture, checkpoint);
    }

    /// @throws UnsupportedModelException with every reason why it cannot be run
    static Decoder read(ModelDirectory directory, Decoder.Form form) {
        return read(directory, form, Architecture.of(directory.config()));
    }

    /// The same as another architecture than its configuration says.
    static Decoder read(ModelDirectory directory, Decoder.Form form, Architecture read) {
        Optional<PackedForm> packed = PackedForm.of(directory);
        Region region = Region.lasting("model");
        WeightFiles files = directory.openWeights();
        try {
            var checkpoint = new Checkpoint(files, packed, region, form);
            Architecture architecture = architecture(read, checkpoint);
            return new DecoderReader(architecture, checkpoint)
                    .read(region, files, form.compute(), DepthReader.plan(directory.config()));
        } catch (RuntimeException e) {
            region.close();
            files.close();
            throw e;
        }
    }

    /// The checkpoint of a model that sees pictures says where its text model lies.
    private static Architecture architecture(Architecture read, Checkpoint checkpoint) {
        boolean blind = BLIND.contains(read.family());
        if (blind) {
            VisionReader.keep(checkpoint);
        }
        return blind || read.vision().isPresent()
                ? read.with(VisionReader.text(read.layout(), checkpoint))
                : read;
    }

    private Decoder read(
            Region region, WeightFiles files, DType compute, Optional<DepthPlan> plan) {
        Layout layout = architecture.layout();
        Optional<Tower> tower =
                architecture.vision().map(vision -> new VisionReader(vision, checkpoint).tower());
        String tableName = layout.name(Layout.Part.EMBEDDING);
        Architecture.Size size = architecture.size();
        // A tied table is the head's matrix as well.
        Parameter table =
                architecture.edges().tied()
                        ? checkpoint.multiplied(
                                tableName + ".weight", size.vocabulary(), size.width())
                        : checkpoint.parameter(
                                tableName + ".weight", size.vocabulary(), size.width());
        double factor = architecture.edges().embeddingFactor();
        var entry =
                new Entry(
                        new Embedding(tableName, table, factor),
                        layers.embeddingNorm(),
                        positions(),
                        tower,
                        imageToken());
        List<Block> blocks = new ArrayList<>();
        for (int layer = 0; layer < size.layers(); layer++) {
            blocks.add(layers.block(layer));
        }
        layers.skipGuessing();
        Depths depths = new DepthReader(architecture, checkpoint).depths(plan);
        Norm lastNorm = layers.lastNorm();
        Head head = head(table);
        List<Parameter> parameters = checkpoint.finish("weights of " + architecture.family());
        var weights =
                new Decoder.Weights(
                        region, files, compute, parameters, angles(), layers.routing(), depths);
        return new Decoder(true, architecture, weights, entry, blocks, lastNorm, head);
    }

    private PositionAngles angles() {
        int merge = architecture.vision().map(vision -> vision.plan().merge()).orElse(1);
        return PositionAngles.of(architecture.positions().rotaries(), imageToken(), merge);
    }

    private int imageToken() {
        return architecture.vision().map(Architecture.Vision::imageToken).orElse(-1);
    }

    /// A learned table, where positions have one.
    private Optional<PositionTable> positions() {
        int learned = architecture.positions().learned();
        if (learned == 0) {
            return Optional.empty();
        }
        String name = architecture.layout().name(Layout.Part.POSITIONS);
        int unused = architecture.positions().unused();
        Parameter table =
                checkpoint.parameter(
                        name + ".weight", (long) unused + learned, architecture.size().width());
        Parameter used = unused == 0 ? table : table.rows(unused, (long) unused + learned);
        return Optional.of(new PositionTable(new Embedding(name, used, 1)));
    }

    private Head head(Parameter table) {
        Architecture.Edges edges = architecture.edges();
        long width = architecture.size().width();
        long vocabulary = architecture.size().vocabulary();
        String named = architecture.layout().name(Layout.Part.HEAD);
        String name = checkpoint.holds(named + ".weight") ? named : HEAD;
        Parameter bias = edges.headBias() ? checkpoint.parameter(name + ".bias", vocabulary) : null;
        Parameter weight = table;
        boolean scores = checkpoint.holds(Decoder.SCORE);
        if (scores) {
            // A classifier has one output instead of a vocabulary; see ScoreHead.
            Parameter _ = checkpoint.parameter(Decoder.SCORE, 1, width);
        }
        if (edges.tied() || scores) {
            // Some checkpoints hold the tied table twice.
            checkpoint.skip(name + ".weight");
        } else {
            weight =
                    edges.unitHead()
                            ? checkpoint.unitRows(name + ".weight", vocabulary, width)
                            : checkpoint.multiplied(name + ".weight", vocabulary, width);
        }
        return new Head(weight, bias, edges.logitFactor(), edges.logitCap());
    }
}
