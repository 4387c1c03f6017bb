package dev.tunesmith.engine.data;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/// LLaMA-Factory's rules of length, for people who compare: what is left of a question and an
/// answer that are too long together, and which rows share a pack.
public final class LengthRule {

    private LengthRule() {}

    /// Lengths that are left.
    public record Cut(int source, int target) {}

    /// What is left within a budget. The longer side gives way; where both are long, both give in
    /// proportion.
    public static Cut cut(int source, int target, int budget) {
        int targetMax;
        if (2L * target < budget) {
            targetMax = budget;
        } else if (2L * source < budget) {
            targetMax = budget - source;
        } else {
            targetMax = (int) Math.floor(budget * ((double) target / (source + target)));
        }
        int kept = Math.min(targetMax, target);
        return new Cut(Math.min(Math.max(budget - kept, 0), source), kept);
    }

    /// Packs as lists of row numbers: the longest row that still fits comes next. Of equally long
    /// rows the last one comes first, as there.
    ///
    /// @param lengths none above `capacity`
    public static List<List<Integer>> packs(List<Integer> lengths, int capacity) {
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < lengths.size(); i++) {
            order.add(i);
        }
        order.sort((a, b) -> Integer.compare(lengths.get(a), lengths.get(b)));
        List<List<Integer>> packs = new ArrayList<>();
        while (!order.isEmpty()) {
            List<Integer> pack = new ArrayList<>();
            int left = capacity;
            for (int at = fitting(order, lengths, left);
                    at >= 0;
                    at = fitting(order, lengths, left)) {
                int row = order.get(at);
                order.subList(at, at + 1).clear();
                pack.add(row);
                left -= lengths.get(row);
            }
            if (pack.isEmpty()) {
                throw new IllegalArgumentException("a row is longer than a pack");
            }
            packs.add(Collections.unmodifiableList(pack));
        }
        return packs;
    }

    private static int fitting(List<Integer> order, List<Integer> lengths, int left) {
        int low = 0;
        int high = order.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (lengths.get(order.get(middle)) <= left) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low - 1;
    }
}
