package dev.tunesmith.engine.model;

import dev.tunesmith.engine.data.Pictures;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.model.entry.CachedBatch;
import dev.tunesmith.engine.model.entry.CachedEntrance;
import dev.tunesmith.engine.model.entry.Entrance;
import dev.tunesmith.engine.model.entry.Entry;
import dev.tunesmith.engine.model.entry.KvCache;
import dev.tunesmith.engine.model.entry.PositionAngles;
import dev.tunesmith.engine.model.entry.WholeEntrance;
import dev.tunesmith.engine.nn.AttentionShape;
import dev.tunesmith.engine.nn.Block;
import dev.tunesmith.engine.nn.Context;
import dev.tunesmith.engine.nn.Embedding;
import dev.tunesmith.engine.nn.EmbeddingNoise;
import dev.tunesmith.engine.nn.Groups;
import dev.tunesmith.engine.nn.Head;
import dev.tunesmith.engine.nn.Linear;
import dev.tunesmith.engine.nn.Norm;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.nn.Routing;
import dev.tunesmith.engine.nn.depth.Depths;
import dev.tunesmith.engine.nn.prompt.VirtualTokens;
import dev.tunesmith.engine.quant.FourBitFormat;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Device;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.cpu.Panels;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// The one decoder-only language model: what it consists of is data, read from an [Architecture].
///
/// ```
/// try (Decoder decoder = Decoder.load(directory, DType.BF16, Decoder.Loading.MAPPED);
///         Region step = arena.open("step")) {
///     Tape tape = Tape.recording(arena, step, seed);
///     Tensor hidden_ND = decoder.forward(tape, batch, CheckpointPolicy.keepAll());
///     Head.Losses losses = decoder.head().loss(tape, hidden_ND, targets, 1 / weightSum);
///     tape.backward();          // gradients are now in the trainable parameters
/// }
/// ```
public final class Decoder implements AutoCloseable {

    /// The head of a sequence classifier in its checkpoint.
    static final String SCORE = "score.weight";

    private final boolean owner;
    private final Architecture architecture;
    private final Weights weights;
    private Entry entry;
    private List<Block> blocks;
    private Norm lastNorm;
    private final Head head;
    private @Nullable VirtualTokens virtual;
    private int group;

    /// How weights come into memory.
    public enum Loading {
        /// Frozen; tensors of the compute type stay mapped to the file.
        MAPPED,
        /// Matrices are copied in the order in which products read them, on large pages: for
        /// decoding, where reading weights is all that counts.
        RESIDENT,
        /// Copied, so that they can train.
        WRITABLE
    }

    /// How weights are held in memory.
    ///
    /// @param compute type of activations and of what is not quantised
    /// @param quantised turns the matrices of all linear layers but the head into codes of four
    ///   bits, unless the checkpoint holds them quantised already
    /// @param storage of RESIDENT matrices of bf16; empty leaves them so
    public record Form(
            DType compute,
            Loading loading,
            Optional<FourBitFormat> quantised,
            Optional<PanelStorage> storage) {

        /// RESIDENT matrices stay bf16.
        public Form(DType compute, Loading loading, Optional<FourBitFormat> quantised) {
            this(compute, loading, quantised, Optional.empty());
        }

        /// Without quantisation.
        public static Form dense(DType compute, Loading loading) {
            return new Form(compute, loading, Optional.empty());
        }

        /// For decoding, with matrices in few bits.
        public static Form resident(PanelStorage storage) {
            return new Form(DType.BF16, Loading.RESIDENT, Optional.empty(), Optional.of(storage));
        }

        /// How matrices are copied for products, if they are: devices read them as they lie.
        Optional<PanelStorage> panels() {
            return Device.current().hostVisible() && loading == Loading.RESIDENT
                    ? storage.or(() -> Optional.of(PanelStorage.uniform(Panels.Form.BF16)))
                    : Optional.empty();
        }
    }

    /// What all views of one model share: memory, mapped files, rotary tables and routers.
    record Weights(
            Region region,
            WeightFiles files,
            DType type,
            List<Parameter> parameters,
            PositionAngles angles,
            Routing routing,
            Depths depths) {}

    /// @param owner whether closing this view frees the weights
    Decoder(
            boolean owner,
            Architecture architecture,
            Weights weights,
            Entry entry,
            List<Block> blocks,
            Norm lastNorm,
            Head head) {
        this.owner = owner;
        this.architecture = architecture;
        this.weights = weights;
        this.entry = entry;
        this.blocks = List.copyOf(blocks);
        this.lastNorm = lastNorm;
        this.head = head;
    }

    /// Loads a model, all of it frozen.
    ///
    /// @param compute type of weights and activations
    /// @throws UnsupportedModelException with every reason why it cannot be run
    public static Decoder load(ModelDirectory directory, DType compute, Loading loading) {
        return load(directory, Form.dense(compute, loading));
    }

    /// As the other, and quantises if the form says so.
    ///
    /// @throws UnsupportedModelException with every reason why it cannot be run
    public static Decoder load(ModelDirectory directory, Form form) {
        return DecoderReader.read(directory, form);
    }

    /// Another view of the same weights without adapters, to which others can be attached. It must
    /// not be used after the original is closed; closing the view does nothing.
    public Decoder share() {
        List<Block> shared = blocks.stream().map(Block::share).toList();
        return new Decoder(
                false, architecture, weights, entry.share(), shared, lastNorm, head.share());
    }

    /// What the model consists of.
    public Architecture architecture() {
        return architecture;
    }

    /// Type of weights and activations.
    public DType computeType() {
        return weights.type;
    }

    /// The token embedding.
    public Embedding embedding() {
        return entry.embedding();
    }

    /// All lookup tables: that of tokens, and that of positions where these are learned.
    public List<Embedding> embeddings() {
        List<Embedding> embeddings = new ArrayList<>(List.of(entry.embedding()));
        entry.positions().ifPresent(positions -> embeddings.add(positions.table()));
        return embeddings;
    }

    /// How the routers of mixtures of experts choose, and their auxiliary loss.
    public Routing routing() {
        return weights.routing;
    }

    /// The routers that leave tokens out of layers.
    public Depths depths() {
        return weights.depths;
    }

    /// The language-model head.
    public Head head() {
        return head;
    }

    /// All linear layers inside the blocks, in the order of the forward pass.
    public List<Linear> linears() {
        List<Linear> linears = new ArrayList<>();
        for (Block block : blocks) {
            linears.addAll(block.attention().projections().linears());
            linears.addAll(block.mlp().linears());
        }
        return linears;
    }

    /// All parameters of the checkpoint, in its own names; a tied table occurs once. Adapter
    /// parameters are not among them.
    public List<Parameter> parameters() {
        return weights.parameters;
    }

    /// The parameters that train.
    public List<Parameter> trainable() {
        return weights.parameters.stream().filter(Parameter::trains).toList();
    }

    /// The parameters that train, or may train once an optimizer asks them to.
    public List<Parameter> free() {
        return weights.parameters.stream().filter(parameter -> !parameter.isFixed()).toList();
    }

    /// The parameter of that name.
    public Optional<Parameter> parameter(String name) {
        return weights.parameters.stream().filter(p -> p.name().equals(name)).findFirst();
    }

    /// Makes every parameter trainable: full fine-tuning. Masters and gradients live in `region`.
    ///
    /// @throws UnsupportedModelException if matrices are quantised, beside which only adapters
    ///   train
    public void trainAll(Region region) {
        trainAll(region, true);
    }

    /// As the other.
    ///
    /// @param copies whether bf16 weights get fp32 masters; otherwise they change themselves
    public void trainAll(Region region, boolean copies) {
        linears().stream()
                .filter(linear -> linear.weight().parameter().isEmpty())
                .findFirst()
                .ifPresent(linear -> {
                    throw new UnsupportedModelException(
                            "training all weights",
                            List.of(
                                    "%s is quantised and cannot train; use adapter lora"
                                            .formatted(linear.name())));
                });
        weights.parameters.forEach(parameter -> parameter.train(region, copies));
    }

    /// The hidden state of every token after the last norm.
    public Tensor forward(Tape tape, TokenBatch batch, CheckpointPolicy policy) {
        return forward(tape, batch, policy, EmbeddingNoise.NONE);
    }

    /// As the other, with noise on the embeddings if the tape records.
    public Tensor forward(
            Tape tape, TokenBatch batch, CheckpointPolicy policy, EmbeddingNoise noise) {
        return forward(tape, batch, policy, noise, (_, _) -> {});
    }

    /// As the other, and shows the input of every layer and, last, the result to `observer`, with
    /// its index from 0.
    public Tensor forward(
            Tape tape,
            TokenBatch batch,
            CheckpointPolicy policy,
            BiConsumer<Integer, Tensor> observer) {
        return forward(tape, batch, policy, EmbeddingNoise.NONE, observer);
    }

    private Tensor forward(
            Tape tape,
            TokenBatch batch,
            CheckpointPolicy policy,
            EmbeddingNoise noise,
            BiConsumer<Integer, Tensor> observer) {
        requireTokens(batch.ids_N());
        Entrance.Entered entered = new WholeEntrance(entrance()).enter(tape, batch, noise);
        Context context = seen(tape, entered.context(), batch);
        Tensor x_ND = entered.x_ND();
        for (int layer = 0; layer < blocks.size(); layer++) {
            observer.accept(layer, x_ND);
            Block block = blocks.get(layer);
            int number = layer;
            boolean attention = policy.recomputesAttention();
            x_ND =
                    tape.block(
                            x_ND,
                            policy.recomputesBlock(layer),
                            (inner, in) ->
                                    weights.depths.forward(
                                            number,
                                            inner,
                                            in,
                                            context,
                                            (own, rows, sight) ->
                                                    block.forward(own, rows, sight, attention)));
        }
        Tensor hidden_ND = entered.left(tape, lastNorm.forward(tape, x_ND));
        observer.accept(blocks.size(), hidden_ND);
        return hidden_ND;
    }

    private Context seen(Tape tape, Context context, TokenBatch batch) {
        return group > 0 && tape.isRecording() && context instanceof Context.Whole whole
                ? whole.with(Groups.of(batch.cuSeqlens_D1(), group, tape.region()))
                : context;
    }

    /// From now on tokens see only groups of `tokens` tokens while a tape records (see [Groups]); 0
    /// ends that. The model must have several key heads.
    public void trainInGroups(int tokens) {
        this.group = tokens;
    }

    /// Puts other parameters into the norms of this view.
    ///
    /// @return what puts back those that were there
    public Runnable changeNorms(UnaryOperator<Parameter> change) {
        Entry oldEntry = entry;
        List<Block> oldBlocks = blocks;
        Norm oldNorm = lastNorm;
        entry = entry.with(change);
        blocks = blocks.stream().map(block -> block.with(change)).toList();
        lastNorm = lastNorm.with(change);
        return () -> {
            entry = oldEntry;
            blocks = oldBlocks;
            lastNorm = oldNorm;
        };
    }

    /// The parameters of all norms of this view.
    public List<Parameter> normParameters() {
        List<Parameter> found = new ArrayList<>();
        Runnable back =
                changeNorms(parameter -> {
                    found.add(parameter);
                    return parameter;
                });
        back.run();
        return found;
    }

    /// Puts learned tokens before every text, or takes them away.
    public void useVirtualTokens(@Nullable VirtualTokens learned) {
        this.virtual = learned;
    }

    /// What stands before every text, if an adapter has learned that.
    public Optional<VirtualTokens> virtualTokens() {
        return Optional.ofNullable(virtual);
    }

    /// Places in the cache that a sequence needs beside its text.
    public int virtualCount() {
        VirtualTokens learned = virtual;
        return learned == null ? 0 : learned.count();
    }

    /// A cache for sequences of this model.
    public KvCache cache(int pages, int pageSize) {
        return new KvCache(
                architecture.size().layers(),
                architecture.attention(),
                weights.type,
                pages,
                pageSize);
    }

    /// Bytes that a token takes in a cache.
    public long cacheBytesPerToken() {
        AttentionShape shape = architecture.attention();
        long row = (long) shape.kvHeads() * shape.headWidth() * weights.type.bytes();
        return 2 * row * architecture.size().layers();
    }

    /// How much the positions behind a text with pictures differ from their places.
    public int shift(int[] ids, Pictures pictures) {
        return weights.angles.shift(ids, pictures);
    }

    /// The hidden state of the new tokens of several sequences, after the last norm; their keys and
    /// values are appended to the cache. Use a silent tape.
    public Tensor forwardCached(Tape tape, KvCache cache, CachedBatch batch) {
        requireTokens(batch.ids_N());
        Entrance.Entered entered = new CachedEntrance(entrance(), cache).enter(tape, batch);
        Tensor x_ND = entered.x_ND();
        for (int layer = 0; layer < blocks.size(); layer++) {
            // What a block needs inside is free again for the next: it stays in the caches.
            try (Region inside = tape.arena().open("block")) {
                Tape silent = Tape.silent(tape.arena(), inside);
                Context all = entered.context();
                x_ND.copyFrom(
                        weights.depths.forward(
                                layer, silent, x_ND, all, blocks.get(layer)::forward));
            }
        }
        return entered.left(tape, lastNorm.forward(tape, x_ND));
    }

    private Entrance entrance() {
        return new Entrance(entry, weights.angles, virtualFactor(), virtual);
    }

    /// Granite multiplies whatever enters its first block; others only what they look up.
    private double virtualFactor() {
        return architecture.family().equals("granite") ? architecture.edges().embeddingFactor() : 1;
    }

    private void requireTokens(int[] ids_N) {
        for (int n = 0; n < ids_N.length; n++) {
            if (ids_N[n] < 0 || ids_N[n] >= architecture.size().vocabulary()) {
                throw new IllegalArgumentException(
                        "token %d at %d is not below the vocabulary of %d"
                                .formatted(ids_N[n], n, architecture.size().vocabulary()));
            }
        }
    }

    /// Frees the weights of this model and of all its views.
    @Override
    public void close() {
        if (!owner) {
            return;
        }
        weights.angles.close();
        weights.region.close();
        weights.files.close();
    }
}
