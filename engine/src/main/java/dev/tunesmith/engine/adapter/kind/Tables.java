package dev.tunesmith.engine.adapter.kind;

import dev.tunesmith.engine.adapter.site.Form;
import dev.tunesmith.engine.adapter.site.Site;
import dev.tunesmith.engine.adapter.site.Start;
import dev.tunesmith.engine.nn.Embedding;
import dev.tunesmith.engine.nn.Head;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.nn.Weight;
import dev.tunesmith.engine.nn.change.HeadChange;
import dev.tunesmith.engine.nn.change.LowRank;
import dev.tunesmith.engine.nn.change.OutputScale;
import dev.tunesmith.engine.nn.change.RowNorms;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.List;

/// Low-rank additions to the embedding and to the head.
final class Tables {

    /// PEFT writes the original table along where its name is one of these.
    private static final List<String> WRITTEN_ALONG = List.of("embed_tokens", "lm_head");

    private final Site site;
    private final LoraConfig config;

    private Tables(Site site, LoraConfig config) {
        this.site = site;
        this.config = config;
    }

    /// Attaches what the targets name, and tells how much that was.
    static int attach(Site site, LoraConfig config) {
        Tables tables = new Tables(site, config);
        int attached = 0;
        for (Embedding embedding : site.decoder().embeddings()) {
            if (config.scope().targets().contains(embedding.name(), false)) {
                tables.attach(embedding);
                attached++;
            }
        }
        if (config.scope().targets().contains("lm_head", false)) {
            tables.attachHead();
            attached++;
        }
        return attached;
    }

    private void attach(Embedding embedding) {
        String path = Site.PREFIX + embedding.name();
        long rank = config.ranks().rank(embedding.name());
        Tensor table = embedding.table().value();
        Parameter at_VR =
                site.parameter(
                        path + ".lora_embedding_A",
                        Form.turned(),
                        site.decoder().computeType(),
                        Start.zeros(),
                        table.size(0),
                        rank);
        Parameter b_DR =
                site.matrix(path + ".lora_embedding_B", new Start.Normal(1), table.width(), rank);
        OutputScale direction = null;
        if (config.direction()) {
            RowNorms norms = new RowNorms(new Weight.Transposed(embedding.table()));
            direction =
                    new OutputScale(
                            site.vector(
                                    path + ".lora_magnitude_vector",
                                    new Start.Given(norms.plain()),
                                    table.width()),
                            OutputScale.Place.BEFORE_BIAS,
                            norms);
        }
        embedding.attach(
                new Embedding.LowRankRows(
                        at_VR, b_DR, config.ranks().scale(embedding.name()), direction));
        site.undo(embedding::detach);
        writeAlong(embedding.name(), table);
    }

    private void attachHead() {
        if (config.direction() || config.factorBias()) {
            throw Site.refused("lm_head takes neither use_dora nor lora_bias");
        }
        Head head = site.decoder().head();
        Tensor weight = head.weight().value();
        String path = Site.PREFIX + "lm_head";
        long rank = config.ranks().rank("lm_head");
        LowRank addition =
                new LowRank(
                        site.matrix(
                                path + ".lora_A.weight",
                                Start.kaiming(weight.width()),
                                rank,
                                weight.width()),
                        site.matrix(path + ".lora_B.weight", Start.zeros(), weight.size(0), rank),
                        null,
                        config.ranks().scale("lm_head"),
                        0);
        head.attach(new HeadChange(head.weight(), addition, site.region()));
        site.undo(head::detach);
        writeAlong("lm_head", weight);
    }

    private void writeAlong(String module, Tensor table) {
        if (WRITTEN_ALONG.stream().anyMatch(module::endsWith)) {
            String name = Site.PREFIX + module + ".base_layer.weight";
            boolean exact = table.type() == DType.F32 || table.type() == DType.BF16;
            if (exact) {
                site.alongside(name, table);
            }
        }
    }
}
