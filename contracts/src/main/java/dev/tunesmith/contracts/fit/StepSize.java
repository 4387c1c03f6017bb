package dev.tunesmith.contracts.fit;

import java.util.stream.LongStream;

/// Bytes that one step takes from its arena and from the places beside it: the same list of tensors
/// that the layers of the engine allocate, in the same order.
///
/// Two moments can be the peak: the loss, or the way back through one layer. What was kept for the
/// way back is there at both.
final class StepSize {
    /// Logits of a chunk, as the head cuts them.
    private static final long CHUNK_BYTES = 32L << 20;

    private static final int TAUGHT_ROWS = 64;

    private static final int CHUNK_ROWS_MIN = 16;
    private static final int CHUNK_ROWS_MAX = 1024;

    /// Rows of one tile of the attention kernels, and what heads are padded to.
    private static final long TILE = 64;

    private static final long HEAD_PAD = 32;

    /// Panels, a strip and sums of the matrix product of one thread (`tiled_room.h`).
    private static final long PRODUCT_BYTES = (1L << 20) + 32 * 1600 * 2 + 352 * 10 * 32 * 4;

    private static final int ROTARY_ROWS_MIN = 512;

    /// Inputs of layers that are in memory at once while the others wait in a file: two in turns,
    /// and the one that is read ahead.
    private static final int INPUTS_BESIDE_FILE = 3;

    /// Layers' weight gradients pass through sums of 64 rows.
    private static final long NORM_ROWS = 64;

    private final ModelFacts model;
    private final Workload work;
    private final long element;
    private final long tokens;

    StepSize(ModelFacts model, Workload work) {
        this(model, work, work.tokens());
    }

    private StepSize(ModelFacts model, Workload work, long tokens) {
        this.model = model;
        this.work = work;
        this.element = work.bf16() ? 2 : 4;
        this.tokens = tokens;
    }

    /// The same for the tokens that pass a layer with a router.
    private StepSize routed() {
        return new StepSize(model, work, DepthSize.tokens(model, work));
    }

    /// What layers keep that compute nothing again.
    private long keptBy(long layers) {
        long routed = routers(layers);
        return (layers - routed) * (attentionKept() + mlpKept()) + routed * routedKept();
    }

    /// Those of the layers that have a router.
    private long routers(long layers) {
        return Math.min(layers, DepthSize.layers(model, work));
    }

    /// Those of them that are the second of two.
    private long routedSecond(long layers) {
        int every = DepthSize.every(model, work);
        if (every == 0) {
            return 0;
        }
        return LongStream.range(0, layers)
                .filter(layer -> layer % 2 == 1 && layer % every == every - 1)
                .count();
    }

    /// What a layer with a router keeps when its attention is computed again.
    private long routedAttention() {
        StepSize few = routed();
        return few.normKept() + few.mlpKept() + 3 * few.row(model.width()) + row(model.width());
    }

    /// Beside what the layer keeps: its input and output, and the rows of all tokens behind it.
    private long routedKept() {
        StepSize few = routed();
        return few.attentionKept()
                + few.mlpKept()
                + 2 * few.row(model.width())
                + row(model.width());
    }

    /// What is kept from the forward pass until the layers are passed again, with the input of the
    /// first layer, the output of the last norm and its gradient.
    long kept() {
        long layers = PartSize.passed(model, work);
        long input = row(model.width());
        long ends = 3 * input + tokens * 3 * 4;
        return ends
                + switch (work.recompute()) {
                    case NONE -> keptBy(layers);
                    case ATTENTION ->
                            (layers - routers(layers)) * (normKept() + input + mlpKept())
                                    + routers(layers) * routedAttention();
                    case SELECTIVE ->
                            (layers + 1) / 2 * input
                                    + (layers / 2 - routedSecond(layers))
                                            * (attentionKept() + mlpKept())
                                    + routedSecond(layers) * routedKept();
                    case BLOCK -> layers * input;
                    case OFFLOAD -> Math.min(layers, INPUTS_BESIDE_FILE) * input;
                };
    }

    /// What a pass takes of which nothing is kept: the rows before and behind a layer with all that
    /// is inside it, or those that are scored.
    long silent() {
        long ends = 3 * row(model.width());
        return ends + Math.max(attentionKept() + mlpKept(), loss());
    }

    /// What drawing answers takes: copies of the matrices for products with few rows, keys and
    /// values.
    static long drawing(ModelFacts model, Workload work) {
        long bytes = work.bf16() ? 2 : 4;
        long copied = work.bf16() ? bytes * model.multiplied(work.quantised()) : 0;
        return copied
                + 2 * bytes * model.layers() * model.keyWidth() * work.rowTokens() * work.drawn();
    }

    /// Rows of a teacher with their logits, which stand beside those of the model that learns.
    static long taught(ModelFacts teacher, Workload work) {
        long rows = Math.min(TAUGHT_ROWS, work.tokens());
        return rows * ((work.bf16() ? 2L : 4L) * teacher.width() + 4L * teacher.vocabulary());
    }

    /// Working memory at the larger of both moments.
    long workspace() {
        return moment() + beside();
    }

    private long moment() {
        return Math.max(loss(), Math.max(layerBack(), routedBack()));
    }

    /// What a step takes that others have used before it.
    long arena() {
        return kept() + moment();
    }

    /// Rows of one chunk of the loss.
    long chunkRows() {
        long rows = CHUNK_BYTES / (model.vocabulary() * element);
        return Math.min(tokens, Math.clamp(rows, CHUNK_ROWS_MIN, CHUNK_ROWS_MAX));
    }

    private long row(long width) {
        return tokens * element * width;
    }

    /// A norm's output, and a factor a token.
    private long normKept() {
        return row(model.width()) + 4 * tokens;
    }

    /// Norm, queries, keys, values, output with its log-sums, and the projection of it.
    private long attentionKept() {
        return normKept() + attentionInside();
    }

    private long attentionInside() {
        long wide = 2 * model.queryWidth() + 2 * model.keyWidth() + model.width();
        return row(wide) + 4 * tokens * model.heads() + adapter(4);
    }

    /// Norm, gate, up, their product, and the projection of it.
    private long mlpKept() {
        return normKept() + row(3L * model.mlpWidth() + model.width()) + adapter(3);
    }

    /// What adapters keep of so many of the seven linear layers.
    private long adapter(int linears) {
        if (!work.lora()) {
            return 0;
        }
        long all = AdapterSize.saved(model, work);
        return row(all * linears / model.linears().size());
    }

    /// The rows with a label, their gradient, and the logits of one chunk.
    private long loss() {
        long taught = work.beside().stream().mapToLong(other -> other.inLoss(model, work)).sum();
        return 2 * row(model.width())
                + 5 * 4 * tokens
                + chunkRows() * element * model.vocabulary()
                + taught;
    }

    /// Gradients of everything inside one layer; what is computed again comes first.
    private long layerBack() {
        long again =
                switch (work.recompute()) {
                    case NONE -> 0;
                    case ATTENTION -> row(model.width()) + attentionInside();
                    case SELECTIVE, BLOCK -> attentionKept() + mlpKept();
                    case OFFLOAD -> row(model.width()) + attentionKept() + mlpKept();
                };
        long mlp = row(3L * model.mlpWidth() + model.width()) + adapter(3) + normBack();
        long attention = row(2 * model.queryWidth() + 2 * model.keyWidth()) + adapter(1);
        long input = row(model.width()) + adapter(3) + normBack() + decoded();
        return again + mlp + attention + Math.max(attentionScratch(), input);
    }

    /// The same in a layer with a router: beside it the rows of all tokens, twice on their way.
    private long routedBack() {
        if (DepthSize.layers(model, work) == 0) {
            return 0;
        }
        StepSize few = routed();
        return few.layerBack() + 5 * few.row(model.width()) + 4 * row(model.width());
    }

    private long normBack() {
        return work.lora() ? 0 : Math.ceilDiv(tokens, NORM_ROWS) * model.width() * 4;
    }

    /// The place where one quantised matrix is decoded.
    private long decoded() {
        return work.quantised() ? model.largestLinear() * element : 0;
    }

    /// Copies of keys, values and queries in tiles, partial sums of key heads that several query
    /// heads share, and what a thread collects for a document.
    private long attentionScratch() {
        long width = padded(model.headWidth(), HEAD_PAD);
        long documents = work.microBatch();
        long longest = padded(work.rowTokens(), TILE) + TILE;
        long packs = 3L * model.kvHeads() * (tokens + TILE * documents) * width * 4;
        long shared = model.heads() > model.kvHeads() ? 2L * model.heads() * tokens * width * 4 : 0;
        long own = (5 * longest * width + 2 * longest + 2 * TILE * width + 5 * TILE * TILE) * 4;
        return packs + shared + work.threads() * own;
    }

    private static long padded(long count, long step) {
        return Math.ceilDiv(count, step) * step;
    }

    /// What lasts beside the arena: packed operands of products, and angles of positions.
    private long beside() {
        long longest = Math.max(1, work.rowTokens());
        long angles = Math.max(ROTARY_ROWS_MIN, 2 * Long.highestOneBit(longest));
        return work.threads() * PRODUCT_BYTES + 4 * angles * model.headWidth();
    }
}
