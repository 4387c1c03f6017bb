package dev.tunesmith.engine.nn;

import dev.tunesmith.engine.ops.DocumentAttention.Documents;
import dev.tunesmith.engine.tensor.Region;
import java.util.ArrayList;
import java.util.List;

/// Documents cut into groups, inside which tokens see each other while long texts train (shifted
/// sparse attention, LongLoRA, arXiv 2309.12307).
///
/// Half of the heads sees the groups as they are, the other half groups that lie half a group
/// further, so that what is known passes between neighbours. Unlike the authors' code the first
/// half group of a document does not see its end.
///
/// @param plain groups from the beginning of every document
/// @param shifted groups half a group further
public record Groups(Documents plain, Documents shifted) {

    /// Groups of `tokens` tokens; the last one of a document may be shorter.
    public static Groups of(int[] cuSeqlens_D1, int tokens, Region region) {
        return new Groups(
                cut(cuSeqlens_D1, tokens, tokens, region),
                cut(cuSeqlens_D1, Math.max(1, tokens / 2), tokens, region));
    }

    private static Documents cut(int[] cuSeqlens_D1, int first, int tokens, Region region) {
        List<Integer> cuts = new ArrayList<>(List.of(0));
        int longest = 0;
        for (int d = 0; d + 1 < cuSeqlens_D1.length; d++) {
            int from = cuSeqlens_D1[d];
            int to = cuSeqlens_D1[d + 1];
            int at = from;
            int next = to - from <= tokens ? to : from + first;
            while (at < to) {
                int end = Math.min(to, next);
                cuts.add(end);
                longest = Math.max(longest, end - at);
                at = end;
                next = end + tokens;
            }
        }
        return new Documents(
                region.ints(cuts.stream().mapToInt(Integer::intValue).toArray()), longest);
    }
}
