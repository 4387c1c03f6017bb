package dev.tunesmith.engine.model;

import dev.tunesmith.engine.data.Pictures;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.nn.Block;
import dev.tunesmith.engine.nn.Context;
import dev.tunesmith.engine.nn.Embedding;
import dev.tunesmith.engine.nn.EmbeddingNoise;
import dev.tunesmith.engine.nn.Head;
import dev.tunesmith.engine.nn.Linear;
import dev.tunesmith.engine.nn.Norm;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.nn.Routing;
import dev.tunesmith.engine.nn.position.PositionTable;
import dev.tunesmith.engine.nn.position.RotaryTable;
import dev.tunesmith.engine.nn.prompt.Prefix;
import dev.tunesmith.engine.nn.prompt.RowSource;
import dev.tunesmith.engine.nn.prompt.VirtualRows;
import dev.tunesmith.engine.nn.prompt.VirtualTokens;
import dev.tunesmith.engine.ops.CacheAttention;
import dev.tunesmith.engine.ops.DocumentAttention;
import dev.tunesmith.engine.ops.Rotation.Angles;
import dev.tunesmith.engine.quant.FourBitFormat;
import dev.tunesmith.engine.quant.PackedForm;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.engine.vision.GridPositions;
import dev.tunesmith.engine.vision.RowMoves;
import dev.tunesmith.engine.vision.Tower;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
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

    private static final String HEAD = "lm_head";

    private final boolean owner;
    private final Architecture architecture;
    private final Weights weights;
    private Entry entry;
    private List<Block> blocks;
    private Norm lastNorm;
    private final Head head;
    private @Nullable VirtualTokens virtual;

    /// How weights come into memory.
    public enum Loading {
        /// Frozen; tensors of the compute type stay mapped to the file.
        MAPPED,
        /// Copied to large pages, from which a row is read a fifth faster than from a mapped file:
        /// for decoding, where reading weights is all that counts.
        RESIDENT,
        /// Copied, so that they can train.
        WRITABLE
    }

    /// How weights are held in memory.
    ///
    /// @param compute type of activations and of what is not quantised
    /// @param quantised turns the matrices of all linear layers but the head into codes of four
    ///   bits, unless the checkpoint holds them quantised already
    public record Form(DType compute, Loading loading, Optional<FourBitFormat> quantised) {
        /// Without quantisation.
        public static Form dense(DType compute, Loading loading) {
            return new Form(compute, loading, Optional.empty());
        }
    }

    /// What all views of one model share: memory, mapped files and rotary tables.
    private record Weights(
            Region region,
            WeightFiles files,
            DType type,
            List<Parameter> parameters,
            List<RotaryTable> tables,
            Routing routing) {}

    /// What turns tokens and pictures into the input of the first block.
    private record Entry(
            Embedding embedding,
            Optional<Norm> norm,
            Optional<PositionTable> positions,
            Optional<Tower> tower,
            int imageToken) {
        Entry share() {
            return new Entry(
                    embedding.share(),
                    norm,
                    positions.map(table -> new PositionTable(table.table().share())),
                    tower.map(Tower::share),
                    imageToken);
        }

        Entry with(UnaryOperator<Parameter> change) {
            return new Entry(
                    embedding, norm.map(own -> own.with(change)), positions, tower, imageToken);
        }

        /// Rows of pictures in place of the embeddings of their placeholders.
        Tensor looked(Tape tape, int[] ids_N, Pictures pictures) {
            Tensor looked_ND = embedding.forward(tape, tape.region().ints(ids_N));
            if (pictures.isEmpty()) {
                return looked_ND;
            }
            Tower eyes =
                    tower.orElseThrow(
                            () -> new IllegalArgumentException("this model does not see pictures"));
            int[] places = GridPositions.places(ids_N, imageToken);
            int rows = pictures.grids().stream().mapToInt(eyes::rows).sum();
            if (rows != places.length) {
                throw new IllegalArgumentException(
                        "pictures of %d rows for %d placeholders".formatted(rows, places.length));
            }
            return RowMoves.place(tape, looked_ND, eyes.forward(tape, pictures), places);
        }

        Tensor place(Tape tape, Tensor looked_ND, int[] positions_N) {
            Region region = tape.region();
            Tensor x_ND = norm.isEmpty() ? looked_ND : norm.get().forward(tape, looked_ND);
            return positions.isEmpty()
                    ? x_ND
                    : positions.get().addTo(tape, x_ND, region.ints(positions_N));
        }
    }

    private Decoder(
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
        Architecture read = Architecture.of(directory.config());
        Optional<PackedForm> packed = PackedForm.of(directory);
        Region region = Region.lasting("model");
        WeightFiles files = directory.openWeights();
        try {
            var checkpoint = new Checkpoint(files, packed, region, form);
            Architecture architecture =
                    read.vision()
                            .map(vision ->
                                    read.with(
                                            new VisionReader(vision, checkpoint)
                                                    .text(read.layout())))
                            .orElse(read);
            return build(architecture, region, files, form.compute(), checkpoint);
        } catch (RuntimeException e) {
            region.close();
            files.close();
            throw e;
        }
    }

    private static Decoder build(
            Architecture architecture,
            Region region,
            WeightFiles files,
            DType compute,
            Checkpoint checkpoint) {
        LayerReader reader = new LayerReader(architecture, checkpoint);
        Layout layout = architecture.layout();
        Optional<Tower> tower =
                architecture.vision().map(vision -> new VisionReader(vision, checkpoint).tower());
        long width = architecture.size().width();
        long vocabulary = architecture.size().vocabulary();
        String tableName = layout.name(Layout.Part.EMBEDDING);
        Parameter table = checkpoint.parameter(tableName + ".weight", vocabulary, width);
        Optional<Norm> embeddingNorm = reader.embeddingNorm();
        int learned = architecture.positions().learned();
        Optional<PositionTable> positions =
                learned == 0
                        ? Optional.empty()
                        : Optional.of(
                                new PositionTable(
                                        new Embedding(
                                                layout.name(Layout.Part.POSITIONS),
                                                checkpoint.parameter(
                                                        layout.name(Layout.Part.POSITIONS)
                                                                + ".weight",
                                                        learned,
                                                        width),
                                                1)));
        List<Block> blocks = new ArrayList<>();
        for (int layer = 0; layer < architecture.size().layers(); layer++) {
            blocks.add(reader.block(layer));
        }
        reader.skipGuessing();
        Norm lastNorm = reader.lastNorm();
        Head head = head(architecture, checkpoint, table);
        List<Parameter> parameters = checkpoint.finish("weights of " + architecture.family());
        List<RotaryTable> tables =
                architecture.positions().rotaries().stream().map(RotaryTable::new).toList();
        return new Decoder(
                true,
                architecture,
                new Weights(region, files, compute, parameters, tables, reader.routing()),
                new Entry(
                        new Embedding(tableName, table, architecture.edges().embeddingFactor()),
                        embeddingNorm,
                        positions,
                        tower,
                        architecture.vision().map(Architecture.Vision::imageToken).orElse(-1)),
                blocks,
                lastNorm,
                head);
    }

    private static Head head(Architecture architecture, Checkpoint checkpoint, Parameter table) {
        Architecture.Edges edges = architecture.edges();
        long width = architecture.size().width();
        long vocabulary = architecture.size().vocabulary();
        String named = architecture.layout().name(Layout.Part.HEAD);
        String name = checkpoint.holds(named + ".weight") ? named : HEAD;
        Parameter bias = edges.headBias() ? checkpoint.parameter(name + ".bias", vocabulary) : null;
        Parameter weight = table;
        boolean scores = checkpoint.holds(SCORE);
        if (scores) {
            // A classifier has one output instead of a vocabulary; see ScoreHead.
            Parameter _ = checkpoint.parameter(SCORE, 1, width);
        }
        if (edges.tied() || scores) {
            // Some checkpoints hold the tied table twice.
            checkpoint.skip(name + ".weight");
        } else {
            weight = checkpoint.parameter(name + ".weight", vocabulary, width);
        }
        return new Head(weight, bias, edges.logitFactor(), edges.logitCap());
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
        return entry.embedding;
    }

    /// All lookup tables: that of tokens, and that of positions where these are learned.
    public List<Embedding> embeddings() {
        List<Embedding> embeddings = new ArrayList<>(List.of(entry.embedding));
        entry.positions.ifPresent(positions -> embeddings.add(positions.table()));
        return embeddings;
    }

    /// How the routers of mixtures of experts choose, and their auxiliary loss.
    public Routing routing() {
        return weights.routing;
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

    /// The parameter of that name.
    public Optional<Parameter> parameter(String name) {
        return weights.parameters.stream().filter(p -> p.name().equals(name)).findFirst();
    }

    /// Makes every parameter trainable: full fine-tuning. Masters and gradients live in `region`.
    ///
    /// @throws UnsupportedModelException if matrices are quantised, beside which only adapters
    ///   train
    public void trainAll(Region region) {
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
        weights.parameters.forEach(parameter -> parameter.train(region));
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
        Entered entered = enter(tape, batch, noise);
        Context context = entered.context;
        Tensor x_ND = entered.x_ND;
        for (int layer = 0; layer < blocks.size(); layer++) {
            observer.accept(layer, x_ND);
            Block block = blocks.get(layer);
            boolean attention = policy.recomputesAttention();
            x_ND =
                    tape.block(
                            x_ND,
                            policy.recomputesBlock(layer),
                            (inner, in) -> block.forward(inner, in, context, attention));
        }
        Tensor hidden_ND = entered.left(tape, lastNorm.forward(tape, x_ND));
        observer.accept(blocks.size(), hidden_ND);
        return hidden_ND;
    }

    /// The input of the first block, and what all blocks see.
    ///
    /// @param inserted where rows of virtual tokens lie among those of the text, or null
    private record Entered(Tensor x_ND, Context context, @Nullable VirtualRows inserted) {
        /// The rows of the text among those of the last block.
        Tensor left(Tape tape, Tensor hidden_ND) {
            return inserted == null ? hidden_ND : inserted.removed(tape, hidden_ND);
        }
    }

    private Entered enter(Tape tape, TokenBatch batch, EmbeddingNoise noise) {
        Tensor looked_ND = entry.looked(tape, batch.ids_N(), batch.pictures());
        noise.addTo(tape, looked_ND, batch.cuSeqlens_D1());
        VirtualTokens learned = virtual;
        if (learned == null) {
            return new Entered(
                    entry.place(tape, looked_ND, batch.positions_N()),
                    whole(batch, tape.region()),
                    null);
        }
        requireText(batch.pictures());
        return enterBehind(tape, batch, looked_ND, learned);
    }

    private static void requireText(Pictures pictures) {
        if (!pictures.isEmpty()) {
            throw new IllegalArgumentException("virtual tokens do not stand before pictures");
        }
    }

    private Entered enterBehind(
            Tape tape, TokenBatch batch, Tensor looked_ND, VirtualTokens learned) {
        Region region = tape.region();
        int count = learned.count();
        int[] counts_D = new int[batch.documents()];
        Arrays.fill(counts_D, count);
        VirtualRows rows = VirtualRows.before(counts_D, batch.cuSeqlens_D1(), region);
        int[] positions_N = batch.positions_N().clone();
        int[] lengths_N = new int[batch.tokens()];
        for (int d = 0; d < batch.documents(); d++) {
            int from = batch.cuSeqlens_D1()[d];
            int to = batch.cuSeqlens_D1()[d + 1];
            Arrays.fill(lengths_N, from, to, count + to - from);
        }
        for (int n = 0; n < positions_N.length; n++) {
            positions_N[n] += count;
        }
        DocumentAttention.Documents documents = documents(rows, region);
        return switch (learned) {
            case VirtualTokens.Inputs inputs -> {
                int[] places_M = rows.positions(positions_N);
                Tensor x_MD = rows.inserted(tape, looked_ND, virtualInputs(tape, inputs));
                List<Angles> angles = angles(places_M, rows.lengths(), region);
                yield new Entered(
                        entry.place(tape, x_MD, places_M),
                        new Context.Whole(documents, angles),
                        rows);
            }
            case VirtualTokens.KeysAndValues keys -> {
                Prefix prefix = prefix(tape, keys, rows, documents);
                Tensor x_ND = entry.place(tape, looked_ND, positions_N);
                var text =
                        new DocumentAttention.Documents(
                                region.ints(batch.cuSeqlens_D1()), batch.longestDocument());
                List<Angles> angles = angles(positions_N, lengths_N, region);
                yield new Entered(
                        prefix.behind(tape, x_ND), new Context.Whole(text, angles, prefix), null);
            }
        };
    }

    private static DocumentAttention.Documents documents(VirtualRows rows, Region region) {
        return new DocumentAttention.Documents(region.ints(rows.cuSeqlens_D1()), rows.longest());
    }

    /// Granite multiplies whatever enters its first block; others only what they look up.
    private Tensor virtualInputs(Tape tape, VirtualTokens.Inputs inputs) {
        Tensor rows_VD = inputs.source().rows(tape);
        double factor = architecture.edges().embeddingFactor();
        return factor == 1 || !architecture.family().equals("granite")
                ? rows_VD
                : RowSource.scaled(tape, rows_VD, factor);
    }

    private static Prefix prefix(
            Tape tape,
            VirtualTokens.KeysAndValues keys,
            VirtualRows rows,
            DocumentAttention.Documents documents) {
        Tensor table_VC = keys.source().rows(tape);
        Tensor gradient_VC =
                tape.tracks(table_VC) ? Prefix.gradients(tape.region(), table_VC) : null;
        return new Prefix(rows, documents, table_VC, gradient_VC);
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

    private Context whole(TokenBatch batch, Region region) {
        int[] lengths_N = new int[batch.tokens()];
        for (int d = 0; d < batch.documents(); d++) {
            int from = batch.cuSeqlens_D1()[d];
            int to = batch.cuSeqlens_D1()[d + 1];
            Arrays.fill(lengths_N, from, to, to - from);
        }
        return new Context.Whole(
                new DocumentAttention.Documents(
                        region.ints(batch.cuSeqlens_D1()), batch.longestDocument()),
                batch.pictures().isEmpty() || !byAxes()
                        ? angles(batch.positions_N(), lengths_N, region)
                        : angles(gridPositions_AN(batch), lengths_N, region));
    }

    private int[][] gridPositions_AN(TokenBatch batch) {
        GridPositions positions = positionsAmongPictures(batch.tokens());
        Iterator<Pictures.Grid> grids = batch.pictures().grids().iterator();
        for (int d = 0; d < batch.documents(); d++) {
            int _ =
                    positions.fill(
                            batch.ids_N(),
                            batch.cuSeqlens_D1()[d],
                            batch.cuSeqlens_D1()[d + 1],
                            0,
                            grids);
        }
        return positions.positions_AN();
    }

    private GridPositions positionsAmongPictures(int tokens) {
        int merge = architecture.vision().map(vision -> vision.plan().merge()).orElse(1);
        return new GridPositions(entry.imageToken, merge, tokens);
    }

    /// How much the positions behind a text with pictures differ from their places.
    public int shift(int[] ids, Pictures pictures) {
        if (pictures.isEmpty() || !byAxes()) {
            return 0;
        }
        return positionsAmongPictures(ids.length)
                        .fill(ids, 0, ids.length, 0, pictures.grids().iterator())
                - ids.length;
    }

    /// Whether positions have several axes.
    private boolean byAxes() {
        return architecture.positions().rotaries().stream()
                .anyMatch(rotary -> !rotary.sections().isEmpty());
    }

    private List<Angles> angles(int[][] positions_AN, int[] lengths_N, Region region) {
        return weights.tables.stream()
                .map(table -> table.angles(positions_AN, lengths_N, region))
                .toList();
    }

    private List<Angles> angles(int[] positions_N, int[] lengths_N, Region region) {
        return weights.tables.stream()
                .map(table -> table.angles(positions_N, lengths_N, region))
                .toList();
    }

    /// The hidden state of the new tokens of several sequences, after the last norm; their keys and
    /// values are appended to the cache. Use a silent tape.
    public Tensor forwardCached(Tape tape, KvCache cache, CachedBatch batch) {
        requireTokens(batch.ids_N());
        Entered entered = enterCached(tape, cache, batch);
        Tensor x_ND = entered.x_ND;
        for (Block block : blocks) {
            x_ND = block.forward(tape, x_ND, entered.context);
        }
        return entered.left(tape, lastNorm.forward(tape, x_ND));
    }

    /// A new sequence brings the virtual tokens along.
    private Entered enterCached(Tape tape, KvCache cache, CachedBatch batch) {
        Tensor looked_ND = entry.looked(tape, batch.ids_N(), batch.pictures());
        VirtualTokens learned = virtual;
        if (learned == null) {
            return new Entered(
                    entry.place(tape, looked_ND, positions(batch)),
                    cached(cache, batch, tape.region()),
                    null);
        }
        requireText(batch.pictures());
        int sequences = batch.sequences().size();
        int[] counts_S = new int[sequences];
        int[] cuText_S1 = new int[sequences + 1];
        List<CachedBatch.Sequence> grown = new ArrayList<>();
        for (int s = 0; s < sequences; s++) {
            CachedBatch.Sequence text = batch.sequences().get(s);
            counts_S[s] = text.cached() == 0 ? learned.count() : 0;
            cuText_S1[s + 1] = cuText_S1[s] + text.fresh();
            grown.add(
                    new CachedBatch.Sequence(
                            text.cached() == 0 ? 0 : text.cached() + learned.count(),
                            text.fresh() + counts_S[s],
                            text.pages()));
        }
        Region region = tape.region();
        CachedPlaces all = CachedPlaces.of(cache, grown);
        VirtualRows rows = VirtualRows.before(counts_S, cuText_S1, region);
        return switch (learned) {
            case VirtualTokens.Inputs inputs -> {
                Tensor x_MD = rows.inserted(tape, looked_ND, virtualInputs(tape, inputs));
                yield entered(tape, x_MD, all, all.context(cache, all, null, region), rows);
            }
            case VirtualTokens.KeysAndValues keys -> {
                CachedPlaces text = all.without(counts_S);
                Prefix prefix = prefix(tape, keys, rows, documents(rows, region));
                yield entered(
                        tape, looked_ND, text, text.context(cache, all, prefix, region), null);
            }
        };
    }

    private Entered entered(
            Tape tape,
            Tensor looked_ND,
            CachedPlaces places,
            Context.Cached context,
            @Nullable VirtualRows inserted) {
        Context.Cached turned =
                context.with(angles(places.positions_N(), places.lengths_N(), tape.region()));
        return new Entered(entry.place(tape, looked_ND, places.positions_N()), turned, inserted);
    }

    private static int[] positions(CachedBatch batch) {
        return batch.sequences().stream()
                .flatMapToInt(s -> IntStream.range(s.cached(), s.length()))
                .toArray();
    }

    private Context cached(KvCache cache, CachedBatch batch, Region region) {
        int tokens = batch.ids_N().length;
        int sequences = batch.sequences().size();
        int columns = batch.sequences().stream().mapToInt(s -> s.pages().length).max().orElse(1);
        int[] positions_N = new int[tokens];
        int[] lengths_N = new int[tokens];
        long[] slots_N = new long[tokens];
        int[] lengths_S = new int[sequences];
        int[] cuNew_S1 = new int[sequences + 1];
        int[] pageTable_SP = new int[sequences * columns];
        int newest = 0;
        int n = 0;
        for (int s = 0; s < sequences; s++) {
            CachedBatch.Sequence sequence = batch.sequences().get(s);
            requirePages(cache, sequence);
            System.arraycopy(
                    sequence.pages(), 0, pageTable_SP, s * columns, sequence.pages().length);
            for (int p = sequence.cached(); p < sequence.length(); p++, n++) {
                positions_N[n] = p + sequence.shift();
                lengths_N[n] = sequence.length();
                long page = sequence.pages()[p / cache.pageSize()];
                slots_N[n] = page * cache.pageSize() + p % cache.pageSize();
            }
            lengths_S[s] = sequence.length();
            cuNew_S1[s + 1] = n;
            newest = Math.max(newest, sequence.fresh());
        }
        var places =
                new CacheAttention.Places(
                        region.longs(slots_N),
                        region.ints(pageTable_SP).reshape(sequences, columns),
                        region.ints(lengths_S),
                        region.ints(cuNew_S1),
                        cache.pageSize(),
                        newest);
        List<Angles> angles =
                batch.pictures().isEmpty() || !byAxes()
                        ? angles(positions_N, lengths_N, region)
                        : angles(gridPositions_AN(batch), lengths_N, region);
        return new Context.Cached(places, cache.keys_L(), cache.values_L(), angles, null);
    }

    private int[][] gridPositions_AN(CachedBatch batch) {
        GridPositions positions = positionsAmongPictures(batch.ids_N().length);
        Iterator<Pictures.Grid> grids = batch.pictures().grids().iterator();
        int from = 0;
        for (CachedBatch.Sequence sequence : batch.sequences()) {
            int to = from + sequence.fresh();
            int _ =
                    positions.fill(
                            batch.ids_N(), from, to, sequence.cached() + sequence.shift(), grids);
            from = to;
        }
        return positions.positions_AN();
    }

    private static void requirePages(KvCache cache, CachedBatch.Sequence sequence) {
        long room = (long) sequence.pages().length * cache.pageSize();
        if (sequence.fresh() < 1 || sequence.cached() < 0 || room < sequence.length()) {
            throw new IllegalArgumentException(
                    "%d cached and %d new tokens do not fit into %d pages of %d"
                            .formatted(
                                    sequence.cached(),
                                    sequence.fresh(),
                                    sequence.pages().length,
                                    cache.pageSize()));
        }
        for (int page : sequence.pages()) {
            if (page < 0 || page >= cache.pages()) {
                throw new IllegalArgumentException("page %d of %d".formatted(page, cache.pages()));
            }
        }
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
        weights.tables.forEach(RotaryTable::close);
        weights.region.close();
        weights.files.close();
    }
}
