package dev.tunesmith.bench.verify;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tunesmith.engine.text.SpecialText;
import dev.tunesmith.engine.text.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/// Rectangular batches as `transformers` makes them, for comparison only: training has no padding.
///
/// A text is cut before the tokenizer's own tokens are put around it, so those always stay.
record PaddedBatch(Tokenizer tokenizer, int padding, List<String> texts) {

    List<List<Integer>> ids(JsonNode call) {
        return padded(call, padding, 0, true);
    }

    List<List<Integer>> mask(JsonNode call) {
        return padded(call, 0, 1, false);
    }

    private List<List<Integer>> padded(JsonNode call, int fill, int mark, boolean asIds) {
        List<List<Integer>> rows = new ArrayList<>();
        for (String text : texts) {
            List<Integer> row = row(text, call);
            rows.add(asIds ? row : new ArrayList<>(Collections.nCopies(row.size(), mark)));
        }
        int width = rows.stream().mapToInt(List::size).max().orElse(0);
        int multiple = Math.max(1, call.path("pad_to_multiple_of").asInt(1));
        width = Math.ceilDiv(width, multiple) * multiple;
        boolean left = call.path("padding_side").asText().equals("left");
        for (List<Integer> row : rows) {
            List<Integer> room = Collections.nCopies(width - row.size(), fill);
            row.addAll(left ? 0 : row.size(), room);
        }
        return rows;
    }

    private List<Integer> row(String text, JsonNode call) {
        List<Integer> plain = list(tokenizer.encode(text, SpecialText.PARSED));
        List<Integer> whole = list(tokenizer.encodeWithAdded(text, SpecialText.PARSED));
        int before = Math.max(0, Collections.indexOfSubList(whole, plain));
        List<Integer> head = whole.subList(0, before);
        List<Integer> tail = whole.subList(before + plain.size(), whole.size());
        int room = call.path("max_length").asInt(Integer.MAX_VALUE) - head.size() - tail.size();
        List<Integer> kept = plain;
        if (plain.size() > room) {
            boolean left = call.path("truncation_side").asText().equals("left");
            int from = left ? plain.size() - room : 0;
            kept = plain.subList(from, from + room);
        }
        List<Integer> row = new ArrayList<>(head);
        row.addAll(kept);
        row.addAll(tail);
        return row;
    }

    private static List<Integer> list(int[] ids) {
        return Arrays.stream(ids).boxed().toList();
    }
}
