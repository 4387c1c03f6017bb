package dev.tunesmith.engine.decode;

import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.model.entry.KvCache;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import org.jspecify.annotations.Nullable;

/// Memory that all views of one base model share while they generate: the pages of keys and values,
/// and the arena of a step.
public final class CacheRoom implements AutoCloseable {
    static final int PAGE_TOKENS = 16;

    private final KvCache cache;
    private final PagePool pool;
    private final StepArena arena = StepArena.unlimited();
    private @Nullable Region step;

    /// Room for `tokens` tokens over all sequences. Pages that were never used cost no memory.
    public CacheRoom(Decoder decoder, int tokens) {
        int pages = Math.ceilDiv(tokens, PAGE_TOKENS);
        this.cache = decoder.cache(pages, PAGE_TOKENS);
        this.pool = new PagePool(pages);
    }

    KvCache cache() {
        return cache;
    }

    /// Memory of the step that begins; that of the step before is free again.
    Region nextStep() {
        Region before = step;
        if (before != null) {
            before.close();
        }
        Region next = arena.open("decode");
        step = next;
        return next;
    }

    StepArena arena() {
        return arena;
    }

    /// Tokens that one sequence could have if it were alone.
    int tokens() {
        return cache.pages() * PAGE_TOKENS;
    }

    boolean hasRoom(int tokens) {
        return Math.ceilDiv(tokens, PAGE_TOKENS) <= pool.available();
    }

    int[] take(int tokens) {
        return pool.take(Math.ceilDiv(tokens, PAGE_TOKENS));
    }

    void giveBack(int[] pages) {
        pool.giveBack(pages);
    }

    @Override
    public void close() {
        cache.close();
        arena.close();
    }
}
