package dev.tunesmith.engine.adapter;

import dev.tunesmith.engine.adapter.LoraAdapter.FileTensor;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.nn.Embedding;
import dev.tunesmith.engine.nn.Linear;
import dev.tunesmith.engine.nn.LowRank;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;

/// Adds an adapter to the weights it belongs to, in fp32 from the masters, never from rounded
/// copies of them.
final class Merge {

    private final Decoder decoder;
    private final LoraConfig config;
    private final BiConsumer<String, FileTensor> sink;
    private final List<String> faults = new ArrayList<>();

    /// @param sink gets one changed tensor after another
    Merge(Decoder decoder, LoraConfig config, BiConsumer<String, FileTensor> sink) {
        this.decoder = decoder;
        this.config = config;
        this.sink = sink;
    }

    void run() {
        decoder.linears().forEach(this::merge);
        mergeEmbedding();
        if (config.savedModules().contains("lm_head")) {
            put("lm_head.weight", decoder.head().weight());
        }
        if (!faults.isEmpty()) {
            throw new AdapterException("merging", faults);
        }
    }

    private void merge(Linear linear) {
        Optional<LowRank> addition = linear.lowRank();
        if (addition.isPresent() && linear.weight().parameter().isEmpty()) {
            faults.add(
                    "%s is quantised: merge with the model that it was quantised from"
                            .formatted(linear.name()));
        } else if (addition.isPresent()) {
            LowRank factors = addition.get();
            float[] weight = linear.weight().values();
            int inputs = (int) linear.weight().inputs();
            addProduct(weight, inputs, factors);
            Parameter stored = linear.weight().parameter().orElseThrow();
            sink.accept(
                    linear.name() + ".weight",
                    new FileTensor(shape(stored), linear.weight().stored(weight)));
            mergeBias(linear, factors);
        } else if (linear.bias()
                .filter(bias -> bias.name().startsWith("base_model."))
                .isPresent()) {
            put(linear.name() + ".bias", linear.bias().orElseThrow());
        }
    }

    private static void addProduct(float[] weight_OI, int inputs, LowRank factors) {
        float[] a_RI = factors.a_RI().best();
        float[] b_OR = factors.b_OR().best();
        int rank = a_RI.length / inputs;
        double[] row = new double[inputs];
        for (int o = 0; o < b_OR.length / rank; o++) {
            Arrays.fill(row, 0);
            for (int r = 0; r < rank; r++) {
                double b = b_OR[o * rank + r] * factors.scale();
                for (int i = 0; i < inputs; i++) {
                    row[i] += b * a_RI[r * inputs + i];
                }
            }
            for (int i = 0; i < inputs; i++) {
                weight_OI[o * inputs + i] += (float) row[i];
            }
        }
    }

    private void mergeBias(Linear linear, LowRank factors) {
        Parameter factorBias = factors.bias_O();
        Optional<Parameter> bias = linear.bias();
        if (factorBias == null) {
            bias.filter(own -> own.name().startsWith("base_model."))
                    .ifPresent(own -> put(linear.name() + ".bias", own));
            return;
        }
        if (bias.isEmpty()) {
            faults.add(
                    "%s has no bias, so the bias of lora_B has no place in the checkpoint"
                            .formatted(linear.name()));
            return;
        }
        float[] sum = bias.get().best();
        float[] addition = factorBias.best();
        for (int i = 0; i < sum.length; i++) {
            sum[i] += (float) (addition[i] * factors.scale());
        }
        sink.accept(linear.name() + ".bias", new FileTensor(List.of((long) sum.length), sum));
    }

    private void mergeEmbedding() {
        Embedding embedding = decoder.embedding();
        Optional<Embedding.LowRankRows> addition = embedding.lowRank();
        if (embedding.tokenRows().isPresent()) {
            mergeTokenRows(embedding, embedding.tokenRows().get());
            return;
        }
        if (addition.isEmpty()) {
            if (embedding.table().name().startsWith("base_model.")) {
                put(embedding.name() + ".weight", embedding.table());
            }
            return;
        }
        if (decoder.architecture().edges().tied()) {
            faults.add(
                    "the embedding is also the head, which merging an embedding adapter would"
                            + " change: untie them first");
            return;
        }
        Embedding.LowRankRows rows = addition.get();
        float[] table_VD = embedding.table().best();
        float[] at_VR = rows.at_VR().best();
        float[] b_DR = rows.b_DR().best();
        int rank = (int) rows.at_VR().value().size(1);
        int width = (int) embedding.table().value().size(1);
        for (int v = 0; v < table_VD.length / width; v++) {
            for (int d = 0; d < width; d++) {
                double sum = 0;
                for (int r = 0; r < rank; r++) {
                    sum += (double) at_VR[v * rank + r] * b_DR[d * rank + r];
                }
                table_VD[v * width + d] += (float) (sum * rows.scale());
            }
        }
        Tensor table = embedding.table().value();
        sink.accept(
                embedding.name() + ".weight",
                new FileTensor(List.of(table.size(0), table.size(1)), table_VD));
    }

    private void mergeTokenRows(Embedding embedding, Embedding.TokenRows rows) {
        if (embedding.lowRank().isPresent()) {
            faults.add("the embedding has both replaced rows and a low-rank addition");
            return;
        }
        float[] table_VD = embedding.table().best();
        float[] rows_MD = rows.rows_MD().best();
        int width = (int) embedding.table().value().width();
        for (int m = 0; m < rows.tokens().size(); m++) {
            System.arraycopy(rows_MD, m * width, table_VD, rows.tokens().get(m) * width, width);
        }
        Tensor table = embedding.table().value();
        sink.accept(
                embedding.name() + ".weight",
                new FileTensor(List.of(table.size(0), table.size(1)), table_VD));
    }

    private void put(String name, Parameter parameter) {
        sink.accept(name, new FileTensor(shape(parameter), parameter.best()));
    }

    private static List<Long> shape(Parameter parameter) {
        return Arrays.stream(parameter.value().shape()).boxed().toList();
    }
}
