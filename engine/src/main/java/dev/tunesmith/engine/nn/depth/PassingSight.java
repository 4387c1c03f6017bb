package dev.tunesmith.engine.nn.depth;

import dev.tunesmith.engine.nn.Context;
import dev.tunesmith.engine.ops.CacheAttention;
import dev.tunesmith.engine.ops.DocumentAttention.Documents;
import dev.tunesmith.engine.ops.Rotation.Angles;
import dev.tunesmith.engine.tensor.Region;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/// What tokens that pass a layer see there: each other, at the places they have in the whole text.
final class PassingSight {

    private PassingSight() {}

    /// Where texts begin among the tokens, with the end of the last.
    static int[] texts(Context context) {
        return switch (context) {
            case Context.Whole whole -> whole.documents().cuSeqlens_D1().toInts();
            case Context.Cached cached -> cached.places().cuNew_S1().toInts();
        };
    }

    /// The sight of the tokens that pass; a cache notes which they are.
    static Context of(Context context, int layer, boolean[] passes_N, Region region) {
        int[] texts = texts(context);
        List<Angles> angles =
                context.angles().stream().map(each -> chosen(each, passes_N, region)).toList();
        return switch (context) {
            case Context.Whole whole -> {
                requireText(whole.prefix() == null && whole.groups() == null);
                yield new Context.Whole(documents(texts, passes_N, region), angles);
            }
            case Context.Cached cached -> {
                requireText(cached.prefix() == null);
                yield cached.with(places(cached, layer, texts, passes_N, region)).with(angles);
            }
        };
    }

    private static void requireText(boolean plain) {
        if (!plain) {
            throw new IllegalArgumentException(
                    "few tokens pass these layers, which takes no learned tokens and no groups");
        }
    }

    private static int[] array(List<Integer> values) {
        return values.stream().mapToInt(Integer::intValue).toArray();
    }

    private static Angles chosen(Angles angles, boolean[] passes_N, Region region) {
        int[] rows_N = angles.rows_N().toInts();
        List<Integer> rows = new ArrayList<>();
        for (int n = 0; n < passes_N.length; n++) {
            if (passes_N[n]) {
                rows.add(rows_N[n]);
            }
        }
        return new Angles(
                angles.cos_PW(), angles.sin_PW(), region.ints(array(rows)), angles.pairing());
    }

    /// Texts of which nothing passes are left out.
    private static Documents documents(int[] texts, boolean[] passes_N, Region region) {
        List<Integer> cuts = new ArrayList<>(List.of(0));
        int count = 0;
        int longest = 0;
        for (int d = 0; d + 1 < texts.length; d++) {
            for (int n = texts[d]; n < texts[d + 1]; n++) {
                count += passes_N[n] ? 1 : 0;
            }
            if (count > cuts.getLast()) {
                longest = Math.max(longest, count - cuts.getLast());
                cuts.add(count);
            }
        }
        return new Documents(region.ints(array(cuts)), longest);
    }

    /// Every slot as a page of its own: a sequence's pages are the slots of its passing tokens.
    private static CacheAttention.Places places(
            Context.Cached cached, int layer, int[] texts, boolean[] passes_N, Region region) {
        CacheAttention.Places all = cached.places();
        BitSet passed = cached.passed_L().get(layer);
        int[] lengths_S = all.lengths_S().toInts();
        int[] pages_SP = all.pageTable_SP().toInts();
        int columns = (int) all.pageTable_SP().width();
        List<Long> slots = new ArrayList<>();
        List<int[]> seen = new ArrayList<>();
        List<Integer> cuts = new ArrayList<>(List.of(0));
        int newest = 0;
        for (int s = 0; s < lengths_S.length; s++) {
            int first = lengths_S[s] - (texts[s + 1] - texts[s]);
            int[] slotOf = new int[lengths_S[s]];
            for (int p = 0; p < slotOf.length; p++) {
                int page = pages_SP[s * columns + p / all.pageSize()];
                slotOf[p] = page * all.pageSize() + p % all.pageSize();
            }
            for (int p = first; p < slotOf.length; p++) {
                boolean passes = passes_N[texts[s] + p - first];
                passed.set(slotOf[p], passes);
                if (passes) {
                    slots.add((long) slotOf[p]);
                }
            }
            if (slots.size() > cuts.getLast()) {
                newest = Math.max(newest, slots.size() - cuts.getLast());
                cuts.add(slots.size());
                seen.add(Arrays.stream(slotOf).filter(passed::get).toArray());
            }
        }
        return table(seen, slots, array(cuts), newest, region);
    }

    private static CacheAttention.Places table(
            List<int[]> seen, List<Long> slots, int[] cuNew_S1, int newest, Region region) {
        int columns = seen.stream().mapToInt(each -> each.length).max().orElse(1);
        int[] pages_SP = new int[Math.max(1, seen.size()) * columns];
        for (int s = 0; s < seen.size(); s++) {
            System.arraycopy(seen.get(s), 0, pages_SP, s * columns, seen.get(s).length);
        }
        return new CacheAttention.Places(
                region.longs(slots.stream().mapToLong(Long::longValue).toArray()),
                region.ints(pages_SP).reshape(Math.max(1, seen.size()), columns),
                region.ints(seen.stream().mapToInt(each -> each.length).toArray()),
                region.ints(cuNew_S1),
                1,
                newest);
    }
}
