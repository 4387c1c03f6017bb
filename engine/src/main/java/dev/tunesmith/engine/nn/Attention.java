package dev.tunesmith.engine.nn;

import dev.tunesmith.engine.nn.AttentionShape.QueryKeyNorm;
import dev.tunesmith.engine.nn.prompt.Prefix;
import dev.tunesmith.engine.nn.prompt.VirtualRows;
import dev.tunesmith.engine.ops.CacheAttention;
import dev.tunesmith.engine.ops.DocumentAttention;
import dev.tunesmith.engine.ops.Rotation;
import dev.tunesmith.engine.ops.Rotation.Angles;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Self-attention with grouped key-value heads and rotary positions.
///
/// @param projections query, key, value and output layers, and optional norms
/// @param place what differs between the layers of one model
public record Attention(AttentionShape shape, Projections projections, Place place) {

    /// The layers inside.
    ///
    /// @param input query, key and value
    public record Projections(
            Branches input, Linear output, @Nullable Norm queryNorm, @Nullable Norm keyNorm) {

        /// All linear layers, in the order of the forward pass.
        public List<Linear> linears() {
            List<Linear> linears = new ArrayList<>(input.linears());
            linears.add(output);
            return linears;
        }

        /// The same layers without additions, sharing all parameters.
        public Projections share() {
            return new Projections(input.share(), output.share(), queryNorm, keyNorm);
        }
    }

    /// Rotates nothing: positions are known otherwise.
    public static final int NO_ROTARY = -1;

    /// What differs between the layers of one model.
    ///
    /// @param layer number of the layer
    /// @param window how many tokens a token sees, itself included; 0 means all before it
    /// @param rotary which of the model's rotary encodings is used, or [Attention#NO_ROTARY]
    /// @param slopes_H what a score loses for each step between two tokens, or null
    /// @param sinks_H scores that every token has beside those of tokens, or null
    public record Place(
            int layer,
            int window,
            int rotary,
            @Nullable Tensor slopes_H,
            @Nullable Parameter sinks_H) {
        /// Without sinks.
        public Place(int layer, int window, int rotary, @Nullable Tensor slopes_H) {
            this(layer, window, rotary, slopes_H, null);
        }

        @Nullable Tensor sinks() {
            return sinks_H == null ? null : sinks_H.vector();
        }

        boolean sinksTrain() {
            return sinks_H != null && sinks_H.trains();
        }
    }

    /// The same layers without additions, sharing all parameters.
    public Attention share() {
        return new Attention(shape, projections.share(), place);
    }

    /// Computes the layer and records it; in a cached context the cache grows instead.
    public Tensor forward(Tape tape, Tensor x_ND, Context context) {
        List<Tensor> branches = projections.input.forward(tape, x_ND);
        if (turnsFirst()) {
            Angles angles = context.angles().get(place.rotary);
            branches =
                    List.of(
                            turned(tape, branches.get(0), angles),
                            turned(tape, branches.get(1), angles),
                            branches.get(2));
        }
        Tensor q_NC = clipped(tape, normed(tape, branches.get(0), projections.queryNorm));
        Tensor k_NC = clipped(tape, normed(tape, branches.get(1), projections.keyNorm));
        Tensor v_NC = clipped(tape, branches.get(2));
        if (place.rotary != NO_ROTARY && !turnsFirst()) {
            // In place: neither a linear layer nor a norm keeps its output.
            Angles angles = context.angles().get(place.rotary);
            Rotation.rotate(q_NC, k_NC, shape.headWidth(), angles);
        }
        Tensor out_NC = tape.tensor(q_NC.type(), q_NC.shape());
        switch (context) {
            case Context.Whole whole -> attend(tape, whole, q_NC, k_NC, v_NC, out_NC);
            case Context.Cached cached -> attendCached(tape, cached, q_NC, k_NC, v_NC, out_NC);
        }
        return projections.output.forward(tape, values(tape, out_NC));
    }

    private boolean turnsFirst() {
        return place.rotary != NO_ROTARY && shape.norm() == QueryKeyNorm.PER_TURNED_HEAD;
    }

    /// Heads turned on their own, recorded so that their gradients turn back.
    private Tensor turned(Tape tape, Tensor x_NC, Angles angles) {
        Tensor none_N0 = x_NC.columnRange(0, 0);
        Tensor turned_NC = tape.region().copy(x_NC);
        Rotation.rotate(turned_NC, none_N0, shape.headWidth(), angles);
        if (tape.tracks(x_NC)) {
            tape.record(
                    turned_NC,
                    d_NC -> {
                        Tensor dx_NC = tape.region().copy(d_NC);
                        Rotation.rotateBack(dx_NC, none_N0, shape.headWidth(), angles);
                        tape.addGradient(x_NC, dx_NC);
                    });
        }
        return turned_NC;
    }

    /// The output without the zeros that pad values to the width of keys.
    private Tensor values(Tape tape, Tensor out_NC) {
        if (shape.valueWidth() == shape.headWidth()) {
            return out_NC;
        }
        List<Branches.Columns> columns = new ArrayList<>();
        for (int h = 0; h < shape.heads(); h++) {
            int from = h * shape.headWidth();
            columns.add(new Branches.Columns(from, from + shape.valueWidth()));
        }
        return Branches.Fused.part(tape, out_NC, columns);
    }

    private static Tensor normed(Tape tape, Tensor x_NC, @Nullable Norm norm) {
        return norm == null ? x_NC : norm.forward(tape, x_NC);
    }

    private Tensor clipped(Tape tape, Tensor x_NC) {
        if (shape.clip() == 0) {
            return x_NC;
        }
        float most = (float) shape.clip();
        float[] values = x_NC.toFloats();
        boolean[] kept = new boolean[values.length];
        for (int i = 0; i < values.length; i++) {
            kept[i] = Math.abs(values[i]) <= most;
            values[i] = Math.clamp(values[i], -most, most);
        }
        Tensor clipped_NC = tape.tensor(x_NC.type(), x_NC.shape());
        clipped_NC.set(values);
        if (tape.tracks(x_NC)) {
            tape.record(
                    clipped_NC,
                    d_NC -> {
                        float[] d = d_NC.toFloats();
                        for (int i = 0; i < d.length; i++) {
                            d[i] = kept[i] ? d[i] : 0;
                        }
                        Tensor dx_NC = tape.tensor(d_NC.type(), d_NC.shape());
                        dx_NC.set(d);
                        tape.addGradient(x_NC, dx_NC);
                    });
        }
        return clipped_NC;
    }

    private DocumentAttention operation() {
        return new DocumentAttention(
                shape.heads(),
                shape.kvHeads(),
                shape.headWidth(),
                shape.scale(),
                shape.softCap(),
                place.window,
                place.slopes_H,
                place.sinks());
    }

    /// Gradients of the sinks of some heads, from this one on.
    private void collectSinks(
            DocumentAttention operation,
            DocumentAttention.Saved saved,
            Tensor dOut_NC,
            int headFrom) {
        Parameter sinks = place.sinks_H;
        Tensor own_H = operation.sinks_H();
        if (sinks != null && sinks.trains() && own_H != null) {
            float[] gradients = new float[shape.heads()];
            float[] part = operation.sinkGradients(dOut_NC, saved, own_H);
            System.arraycopy(part, 0, gradients, headFrom, part.length);
            ParameterGradients.add(sinks, gradients);
        }
    }

    private void attend(
            Tape tape, Context.Whole whole, Tensor q_NC, Tensor k_NC, Tensor v_NC, Tensor out_NC) {
        Prefix prefix = whole.prefix();
        if (prefix != null) {
            attendPrefix(tape, whole, prefix, q_NC, k_NC, v_NC, out_NC);
            return;
        }
        Groups groups = whole.groups();
        if (groups != null) {
            attendGroups(tape, whole, groups, new Rows(q_NC, k_NC, v_NC, out_NC));
            return;
        }
        DocumentAttention operation = operation();
        Tensor lse_HN = operation.denominators(tape.region(), q_NC.rows());
        var saved = new DocumentAttention.Saved(q_NC, k_NC, v_NC, out_NC, lse_HN);
        try (Region scratch = tape.arena().open("attention scratch")) {
            operation.forward(saved, whole.documents(), scratch);
        }
        if (tape.tracks(q_NC) || tape.tracks(k_NC) || tape.tracks(v_NC) || place.sinksTrain()) {
            tape.record(out_NC, dOut_NC -> backward(tape, whole, saved, dOut_NC));
        }
    }

    /// Rows of all heads.
    private record Rows(Tensor q_NC, Tensor k_NC, Tensor v_NC, Tensor out_NC) {}

    /// Some of the heads, with the documents that they see.
    ///
    /// @param keyFrom first key head
    /// @param keyTo key head behind the last
    private record Share(int keyFrom, int keyTo, DocumentAttention.Documents documents) {}

    private List<Share> shares(Groups groups) {
        int middle = Math.ceilDiv(shape.kvHeads(), 2);
        return List.of(
                new Share(0, middle, groups.plain()),
                new Share(middle, shape.kvHeads(), groups.shifted()));
    }

    private DocumentAttention operation(Share share) {
        int group = shape.heads() / shape.kvHeads();
        return new DocumentAttention(
                (share.keyTo - share.keyFrom) * group,
                share.keyTo - share.keyFrom,
                shape.headWidth(),
                shape.scale(),
                shape.softCap(),
                place.window,
                ofHeads(place.slopes_H, share),
                ofHeads(place.sinks(), share));
    }

    private @Nullable Tensor ofHeads(@Nullable Tensor all_H, Share share) {
        int group = shape.heads() / shape.kvHeads();
        return all_H == null
                ? null
                : all_H.reshape(all_H.elements(), 1)
                        .rowRange((long) share.keyFrom * group, (long) share.keyTo * group);
    }

    /// Columns of the query heads of a share.
    private Tensor queries(Tensor x_NC, Share share) {
        int width = shape.heads() / shape.kvHeads() * shape.headWidth();
        return x_NC.columnRange((long) share.keyFrom * width, (long) share.keyTo * width);
    }

    private Tensor keys(Tensor x_NC, Share share) {
        long width = shape.headWidth();
        return x_NC.columnRange(share.keyFrom * width, share.keyTo * width);
    }

    /// Half of the heads sees groups, the other half those that lie half a group further.
    private void attendGroups(Tape tape, Context.Whole whole, Groups groups, Rows rows) {
        List<DocumentAttention.Saved> saved = new ArrayList<>();
        for (Share share : shares(groups)) {
            DocumentAttention operation = operation(share);
            var part =
                    new DocumentAttention.Saved(
                            queries(rows.q_NC, share),
                            keys(rows.k_NC, share),
                            keys(rows.v_NC, share),
                            queries(rows.out_NC, share),
                            operation.denominators(tape.region(), rows.q_NC.rows()));
            try (Region scratch = tape.arena().open("attention scratch")) {
                operation.forward(part, share.documents, scratch);
            }
            saved.add(part);
        }
        if (tape.tracks(rows.q_NC)
                || tape.tracks(rows.k_NC)
                || tape.tracks(rows.v_NC)
                || place.sinksTrain()) {
            tape.record(rows.out_NC, dOut_NC -> groupsBackward(tape, whole, saved, rows, dOut_NC));
        }
    }

    private void groupsBackward(
            Tape tape,
            Context.Whole whole,
            List<DocumentAttention.Saved> saved,
            Rows rows,
            Tensor dOut_NC) {
        Tensor dq_NC = tape.tensor(dOut_NC.type(), rows.q_NC.shape());
        Tensor dk_NC = tape.tensor(dOut_NC.type(), rows.k_NC.shape());
        Tensor dv_NC = tape.tensor(dOut_NC.type(), rows.v_NC.shape());
        List<Share> shares = shares(Objects.requireNonNull(whole.groups()));
        for (int i = 0; i < shares.size(); i++) {
            Share share = shares.get(i);
            var gradients =
                    new DocumentAttention.Gradients(
                            queries(dq_NC, share), keys(dk_NC, share), keys(dv_NC, share));
            DocumentAttention operation = operation(share);
            Tensor part_NC = queries(dOut_NC, share);
            try (Region scratch = tape.arena().open("attention scratch")) {
                operation.backward(gradients, part_NC, saved.get(i), share.documents, scratch);
            }
            int group = shape.heads() / shape.kvHeads();
            collectSinks(operation, saved.get(i), part_NC, share.keyFrom * group);
        }
        rotateBack(whole, dq_NC, dk_NC);
        tape.addGradient(rows.q_NC, dq_NC);
        tape.addGradient(rows.k_NC, dk_NC);
        tape.addGradient(rows.v_NC, dv_NC);
    }

    private DocumentAttention.Gradients gradients(
            Tape tape,
            DocumentAttention.Documents documents,
            DocumentAttention.Saved saved,
            Tensor dOut_NC) {
        var gradients =
                new DocumentAttention.Gradients(
                        tape.tensor(dOut_NC.type(), saved.q_NC().shape()),
                        tape.tensor(dOut_NC.type(), saved.k_NC().shape()),
                        tape.tensor(dOut_NC.type(), saved.v_NC().shape()));
        DocumentAttention operation = operation();
        try (Region scratch = tape.arena().open("attention scratch")) {
            operation.backward(gradients, dOut_NC, saved, documents, scratch);
        }
        collectSinks(operation, saved, dOut_NC, 0);
        return gradients;
    }

    private void backward(
            Tape tape, Context.Whole whole, DocumentAttention.Saved saved, Tensor dOut_NC) {
        DocumentAttention.Gradients d = gradients(tape, whole.documents(), saved, dOut_NC);
        rotateBack(whole, d.dq_NC(), d.dk_NC());
        tape.addGradient(saved.q_NC(), d.dq_NC());
        tape.addGradient(saved.k_NC(), d.dk_NC());
        tape.addGradient(saved.v_NC(), d.dv_NC());
    }

    private void rotateBack(Context.Whole whole, Tensor dq_NC, Tensor dk_NC) {
        if (place.rotary != NO_ROTARY && !turnsFirst()) {
            Angles angles = whole.angles().get(place.rotary);
            Rotation.rotateBack(dq_NC, dk_NC, shape.headWidth(), angles);
        }
    }

    /// Keys and values get learned rows before those of every document; queries get zeros there,
    /// whose outputs are dropped.
    private void attendPrefix(
            Tape tape,
            Context.Whole whole,
            Prefix prefix,
            Tensor q_NC,
            Tensor k_NC,
            Tensor v_NC,
            Tensor out_NC) {
        Region region = tape.region();
        VirtualRows rows = prefix.rows();
        DocumentAttention operation = operation();
        Tensor out_MC = tape.tensor(q_NC.type(), rows.tokens(), q_NC.width());
        var saved =
                new DocumentAttention.Saved(
                        rows.spread(region, q_NC),
                        rows.joined(region, k_NC, prefix.keys(region, place.layer, k_NC.width())),
                        rows.joined(region, v_NC, prefix.values(region, place.layer, v_NC.width())),
                        out_MC,
                        operation.denominators(region, rows.tokens()));
        try (Region scratch = tape.arena().open("attention scratch")) {
            operation.forward(saved, prefix.documents(), scratch);
        }
        out_NC.copyFrom(rows.text(region, out_MC));
        if (prefix.trains()
                || tape.tracks(q_NC)
                || tape.tracks(k_NC)
                || tape.tracks(v_NC)
                || place.sinksTrain()) {
            tape.record(
                    out_NC,
                    dOut_NC -> {
                        DocumentAttention.Gradients d =
                                gradients(
                                        tape,
                                        prefix.documents(),
                                        saved,
                                        rows.spread(tape.region(), dOut_NC));
                        prefix.collect(tape.region(), place.layer, d.dk_NC(), d.dv_NC());
                        Tensor dq_NC = rows.text(tape.region(), d.dq_NC());
                        Tensor dk_NC = rows.text(tape.region(), d.dk_NC());
                        rotateBack(whole, dq_NC, dk_NC);
                        tape.addGradient(q_NC, dq_NC);
                        tape.addGradient(k_NC, dk_NC);
                        tape.addGradient(v_NC, rows.text(tape.region(), d.dv_NC()));
                    });
        }
    }

    private void attendCached(
            Tape tape,
            Context.Cached cached,
            Tensor q_NC,
            Tensor k_NC,
            Tensor v_NC,
            Tensor out_NC) {
        CacheAttention operation = new CacheAttention(operation());
        Tensor keys = cached.keys_L().get(place.layer);
        Tensor values = cached.values_L().get(place.layer);
        Prefix prefix = cached.prefix();
        if (prefix == null) {
            operation.append(k_NC, v_NC, keys, values, cached.places());
        } else {
            Region region = tape.region();
            Tensor learnedKeys = prefix.keys(region, place.layer, k_NC.width());
            Tensor learnedValues = prefix.values(region, place.layer, v_NC.width());
            operation.append(
                    prefix.rows().joined(region, k_NC, learnedKeys),
                    prefix.rows().joined(region, v_NC, learnedValues),
                    keys,
                    values,
                    cached.places());
        }
        try (Region scratch = tape.arena().open("attention scratch")) {
            operation.forward(out_NC, q_NC, keys, values, cached.places(), scratch);
        }
    }
}
