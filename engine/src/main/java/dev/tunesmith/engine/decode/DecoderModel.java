package dev.tunesmith.engine.decode;

import dev.tunesmith.engine.data.Pictures;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.model.ScoreHead;
import dev.tunesmith.engine.model.entry.CachedBatch;
import dev.tunesmith.engine.ops.Lookup;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.cpu.Sampling;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.OptionalDouble;

/// A [Decoder], or a view of one with an adapter, as a model that continues sequences. It owns
/// neither the decoder nor the room: views of one base share both.
public final class DecoderModel implements CausalModel {
    private final Decoder decoder;
    private final CacheRoom room;

    public DecoderModel(Decoder decoder, CacheRoom room) {
        this.decoder = decoder;
        this.room = room;
    }

    @Override
    public int vocabulary() {
        return decoder.architecture().size().vocabulary();
    }

    @Override
    public int contextLength() {
        return Math.min(decoder.architecture().size().contextLength(), room.tokens())
                - decoder.virtualCount();
    }

    @Override
    public boolean hasRoom(int capacity) {
        return room.hasRoom(capacity + decoder.virtualCount());
    }

    @Override
    public Sequence open(int capacity) {
        return new PagedSequence(room.take(capacity + decoder.virtualCount()), new int[capacity]);
    }

    @Override
    public Sequence fork(Sequence begun, int capacity) {
        PagedSequence from = (PagedSequence) begun;
        PagedSequence to = (PagedSequence) open(capacity);
        int used = Math.ceilDiv(virtual(from.length), CacheRoom.PAGE_TOKENS);
        for (int page = 0; page < used; page++) {
            room.cache().copy(from.pages[page], to.pages[page]);
        }
        System.arraycopy(from.tokens, 0, to.tokens, 0, from.length);
        to.length = from.length;
        to.pictures = from.pictures;
        to.shift = from.shift;
        return to;
    }

    /// Tokens in the cache of a sequence of so many tokens of text.
    private int virtual(int text) {
        return text == 0 ? 0 : text + decoder.virtualCount();
    }

    /// Sequences that bring pictures take steps of their own: a token that another sequence has
    /// drawn may look like one of their placeholders.
    @Override
    public List<List<Logits>> step(List<Chunk> chunks) {
        List<Chunk> plain = chunks.stream().filter(chunk -> chunk.pictures().isEmpty()).toList();
        if (plain.size() == chunks.size()) {
            return together(chunks);
        }
        Iterator<List<Logits>> others =
                plain.isEmpty() ? Collections.emptyIterator() : held(together(plain)).iterator();
        List<List<Logits>> results = new ArrayList<>();
        for (Chunk chunk : chunks) {
            results.add(
                    chunk.pictures().isEmpty()
                            ? others.next()
                            : held(together(List.of(chunk))).getFirst());
        }
        return results;
    }

    /// Logits that outlive the step.
    private static List<List<Logits>> held(List<List<Logits>> rows) {
        return rows.stream()
                .map(list -> list.stream().map(row -> Logits.of(row.values())).toList())
                .toList();
    }

    private List<List<Logits>> together(List<Chunk> chunks) {
        List<CachedBatch.Sequence> sequences = new ArrayList<>();
        List<int[]> tokens = new ArrayList<>();
        List<Pictures> pictures = new ArrayList<>();
        int[] wanted = new int[chunks.stream().mapToInt(Chunk::rows).sum()];
        int rows = 0;
        int n = 0;
        for (Chunk chunk : chunks) {
            PagedSequence sequence = (PagedSequence) chunk.sequence();
            int[] fresh = sequence.append(chunk);
            int cached = sequence.length + chunk.tokens().length - fresh.length;
            sequences.add(
                    new CachedBatch.Sequence(
                            cached,
                            fresh.length,
                            sequence.pages,
                            cached == 0 ? 0 : sequence.shift));
            tokens.add(fresh);
            pictures.add(cached == 0 ? sequence.pictures : Pictures.NONE);
            n += fresh.length;
            for (int row = n - chunk.rows(); row < n; row++) {
                wanted[rows++] = row;
            }
        }
        int[] ids_N = tokens.stream().flatMapToInt(Arrays::stream).toArray();
        List<Logits> logits =
                logits(new CachedBatch(ids_N, sequences, Pictures.joined(pictures)), wanted);
        return distribute(chunks, logits);
    }

    /// What a head says of the last of some tokens; on the thread of the device.
    ///
    /// @return nothing while other sequences have all the room
    public OptionalDouble value(ScoreHead head, int[] tokens) {
        if (!hasRoom(tokens.length)) {
            return OptionalDouble.empty();
        }
        try (Sequence sequence = open(tokens.length)) {
            int[] pages = ((PagedSequence) sequence).pages;
            var whole = new CachedBatch.Sequence(0, tokens.length, pages);
            Tape tape = Tape.silent(room.arena(), room.nextStep());
            Tensor hidden_ND =
                    decoder.forwardCached(
                            tape, room.cache(), new CachedBatch(tokens, List.of(whole)));
            return OptionalDouble.of(
                    head.values(tape, hidden_ND, new int[] {tokens.length - 1})[0]);
        }
    }

    private List<Logits> logits(CachedBatch batch, int[] rows) {
        Region step = room.nextStep();
        Tape tape = Tape.silent(room.arena(), step);
        Tensor hidden_ND = decoder.forwardCached(tape, room.cache(), batch);
        List<Logits> logits = new ArrayList<>();
        if (rows.length == 0) {
            return logits;
        }
        Tensor last_MD = step.tensor(hidden_ND.type(), rows.length, hidden_ND.width());
        Lookup.gather(last_MD, hidden_ND, step.ints(rows));
        Tensor logits_MV = decoder.head().logits(tape, last_MD);
        int[] largest_M = Lookup.largest(logits_MV, step);
        Tensor scratch = step.tensor(DType.I32, Sampling.scratchBytes(logits_MV.width()) / 4);
        for (int m = 0; m < rows.length; m++) {
            logits.add(new Row(logits_MV.rowRange(m, m + 1), largest_M[m], scratch));
        }
        return logits;
    }

    private record Row(Tensor logits_V, int largest, Tensor scratch) implements Logits {
        @Override
        public int draw(Sampling.Choice choice) {
            if (!scratch.owner().device().hostVisible()) {
                return new Candidates(values()).draw(choice);
            }
            int token = Lookup.draw(logits_V, scratch, choice);
            if (token < 0) {
                throw Candidates.noNumbers();
            }
            return token;
        }

        @Override
        public float[] values() {
            return logits_V.toFloats();
        }
    }

    private static List<List<Logits>> distribute(List<Chunk> chunks, List<Logits> logits) {
        var result = new ArrayList<List<Logits>>();
        int row = 0;
        for (Chunk chunk : chunks) {
            PagedSequence sequence = (PagedSequence) chunk.sequence();
            sequence.length += chunk.tokens().length;
            result.add(logits.subList(row, row + chunk.rows()));
            row += chunk.rows();
        }
        return result;
    }

    @Override
    public void close() {
        // Decoder and room belong to whoever made this view.
    }

    private final class PagedSequence implements Sequence {
        private final int[] pages;
        private final int[] tokens;
        private int length;
        private Pictures pictures = Pictures.NONE;
        private int shift;
        private boolean open = true;

        private PagedSequence(int[] pages, int[] tokens) {
            this.pages = pages;
            this.tokens = tokens;
        }

        @Override
        public int length() {
            return length;
        }

        /// The tokens to compute: the fresh ones, or all where a longer text turns every key anew.
        private int[] append(Chunk chunk) {
            int[] fresh = chunk.tokens();
            if (!chunk.pictures().isEmpty()) {
                pictures = chunk.pictures();
                shift = decoder.shift(fresh, pictures);
            }
            System.arraycopy(fresh, 0, tokens, length, fresh.length);
            int grown = length + fresh.length;
            return decoder.architecture()
                            .restartsCache(virtual(length), grown + decoder.virtualCount())
                    ? Arrays.copyOf(tokens, grown)
                    : fresh;
        }

        @Override
        public void close() {
            if (open) {
                open = false;
                room.giveBack(pages);
            }
        }
    }
}
