package dev.tunesmith.engine.model.entry;

import dev.tunesmith.engine.nn.AttentionShape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/// Keys and values of every layer, in pages of a fixed number of tokens.
///
/// Which sequence owns which page is the caller's business (see [CachedBatch]); the cache only
/// holds the memory. Pages untouched so far cost no memory.
public final class KvCache implements AutoCloseable {

    private final Region region = Region.lasting("key-value cache");
    private final int pages;
    private final int pageSize;
    private final List<Tensor> keys_L = new ArrayList<>();
    private final List<Tensor> values_L = new ArrayList<>();
    private final List<BitSet> passed_L = new ArrayList<>();

    /// A cache of `pages` pages of `pageSize` tokens.
    ///
    /// @param shape heads of every layer
    public KvCache(int layers, AttentionShape shape, DType type, int pages, int pageSize) {
        this.pages = pages;
        this.pageSize = pageSize;
        for (int layer = 0; layer < layers; layer++) {
            keys_L.add(region.tensor(type, pages, pageSize, shape.kvHeads(), shape.headWidth()));
            passed_L.add(new BitSet());
            values_L.add(region.tensor(type, pages, pageSize, shape.kvHeads(), shape.headWidth()));
        }
    }

    /// Number of pages.
    public int pages() {
        return pages;
    }

    /// Tokens of one page.
    public int pageSize() {
        return pageSize;
    }

    /// Copies a page of every layer to another.
    public void copy(int from, int to) {
        for (List<Tensor> tensors_L : List.of(keys_L, values_L)) {
            for (Tensor all : tensors_L) {
                Tensor pages = all.reshape(this.pages, all.elements() / this.pages);
                pages.rowRange(to, to + 1L).copyFrom(pages.rowRange(from, from + 1L));
            }
        }
        for (BitSet passed : passed_L) {
            for (int slot = 0; slot < pageSize; slot++) {
                passed.set(to * pageSize + slot, passed.get(from * pageSize + slot));
            }
        }
    }

    List<Tensor> keys_L() {
        return keys_L;
    }

    List<Tensor> values_L() {
        return values_L;
    }

    /// Slots of the tokens that passed each layer, where not all tokens pass it.
    List<BitSet> passed_L() {
        return passed_L;
    }

    /// Frees the memory.
    @Override
    public void close() {
        region.close();
    }
}
