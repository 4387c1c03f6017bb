package dev.tunesmith.engine.adapter;

import dev.tunesmith.engine.adapter.site.AdapterException;
import dev.tunesmith.engine.adapter.site.FileTensor;
import dev.tunesmith.engine.adapter.site.Site;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.nn.Embedding;
import dev.tunesmith.engine.nn.Linear;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.nn.change.Change;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;

/// Adds an adapter to the weights it belongs to, in fp32 from the masters, never from rounded
/// copies of them.
final class Merge {

    private final Decoder decoder;
    private final BiConsumer<String, FileTensor> sink;
    private final List<String> faults = new ArrayList<>();

    /// @param sink gets one changed tensor after another
    Merge(Decoder decoder, BiConsumer<String, FileTensor> sink) {
        this.decoder = decoder;
        this.sink = sink;
    }

    void run() {
        if (decoder.virtualTokens().isPresent()) {
            faults.add("virtual tokens are no weights: a checkpoint has no place for them");
        }
        decoder.linears().forEach(this::merge);
        decoder.embeddings().forEach(this::mergeEmbedding);
        mergeHead();
        decoder.normParameters().stream()
                .filter(Merge::isOwn)
                .forEach(own -> put(own.name().substring(Site.PREFIX.length()), own));
        if (!faults.isEmpty()) {
            throw new AdapterException("merging", faults);
        }
    }

    private void merge(Linear linear) {
        Optional<Change> change = linear.change();
        if (change.isPresent() && linear.weight().parameter().isEmpty()) {
            faults.add(
                    "%s is quantised: merge with the model that it was quantised from"
                            .formatted(linear.name()));
            return;
        }
        change.ifPresent(adapter -> mergeWeight(linear, adapter));
        mergeBias(linear, change);
        if (change.isEmpty()) {
            linear.weight()
                    .parameter()
                    .filter(Merge::isOwn)
                    .ifPresent(weight -> put(linear.name() + ".weight", weight));
        }
    }

    private void mergeWeight(Linear linear, Change change) {
        float[] weight_OI = linear.weight().values();
        change.mergeWeight(weight_OI, (int) linear.weight().inputs());
        Tensor stored = linear.weight().parameter().orElseThrow().value();
        sink.accept(
                linear.name() + ".weight",
                FileTensor.of(linear.weight().stored(weight_OI), stored.shape()));
    }

    private void mergeBias(Linear linear, Optional<Change> change) {
        Optional<Parameter> bias = linear.bias();
        boolean changed = change.filter(Change::changesBias).isPresent();
        if (bias.isPresent() && (changed || isOwn(bias.get()))) {
            float[] sum = bias.get().best();
            change.ifPresent(adapter -> adapter.mergeBias(sum));
            sink.accept(linear.name() + ".bias", FileTensor.of(sum, sum.length));
        } else if (bias.isEmpty() && change.filter(Merge::addsBias).isPresent()) {
            faults.add(
                    "%s has no bias, so the bias of lora_B has no place in the checkpoint"
                            .formatted(linear.name()));
        }
    }

    private static boolean addsBias(Change change) {
        return change.addition() != null && change.addition().bias_O() != null;
    }

    private static boolean isOwn(Parameter parameter) {
        return parameter.name().startsWith(Site.PREFIX);
    }

    private void mergeEmbedding(Embedding embedding) {
        if (!embedding.isChanged()) {
            if (isOwn(embedding.table())) {
                put(embedding.name() + ".weight", embedding.table());
            }
            return;
        }
        if (embedding.lowRank().isPresent() && embedding.tokenRows().isPresent()) {
            faults.add("the embedding has both replaced rows and a low-rank addition");
            return;
        }
        boolean tied = decoder.head().weight() == embedding.table();
        if (tied && embedding.lowRank().isPresent()) {
            faults.add(
                    "the embedding is also the head, which merging an embedding adapter would"
                            + " change: untie them first");
            return;
        }
        sink.accept(
                embedding.name() + ".weight",
                FileTensor.of(embedding.merged(), embedding.table().value().shape()));
    }

    private void mergeHead() {
        boolean tied = decoder.head().weight() == decoder.embedding().table();
        boolean follows = decoder.embedding().tokenRows().isPresent();
        if (decoder.head().change().isPresent() && !(tied && follows)) {
            if (tied) {
                faults.add(
                        "the head is also the embedding, which merging an adapter of the head would"
                                + " change: untie them first");
                return;
            }
            sink.accept(
                    "lm_head.weight",
                    FileTensor.of(
                            decoder.head().change().get().merged(),
                            decoder.head().weight().value().shape()));
        } else if (isOwn(decoder.head().weight())) {
            put("lm_head.weight", decoder.head().weight());
        }
    }

    private void put(String name, Parameter parameter) {
        sink.accept(name, FileTensor.of(parameter.best(), parameter.value().shape()));
    }
}
