package dev.tunesmith.bench.verify;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tunesmith.bench.golden.CaseRunner;
import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.text.JsonFiles;
import dev.tunesmith.engine.data.Packing;
import dev.tunesmith.engine.data.Packing.Piece;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// `text/packing`: lists of lengths in, packs of `[row, start, length]` out. The reference packs
/// batch by batch, so each batch is given alone.
final class PackingCases implements CaseRunner {

    private static final Map<String, Packing> STRATEGIES = new LinkedHashMap<>();

    static {
        STRATEGIES.put("bfd", Packing.BEST_FIT);
        STRATEGIES.put("bfd_split", Packing.BEST_FIT_SPLIT);
        STRATEGIES.put("wrapped", Packing.WRAPPED);
    }

    @Override
    public void run(GoldenCase golden, Comparison comparison) {
        JsonNode lists = JsonFiles.tree(golden.folder().resolve(GoldenCase.FILE)).path("expected");
        for (JsonNode list : lists) {
            STRATEGIES.forEach((name, packing) -> {
                if (list.has(name)) {
                    comparison.equal(
                            list.path("name").asText() + " " + name,
                            packs(packing, list),
                            list.get(name).toString());
                }
            });
        }
    }

    private static String packs(Packing packing, JsonNode list) {
        int[] lengths = JsonFiles.array(list.get("lengths"));
        int capacity = list.get("seq_length").asInt();
        int batch = Math.max(1, list.path("map_batch").asInt(lengths.length));
        List<String> packs = new ArrayList<>();
        for (int from = 0; from < lengths.length; from += batch) {
            int to = Math.min(lengths.length, from + batch);
            for (List<Piece> pack : packing.pack(Arrays.copyOfRange(lengths, from, to), capacity)) {
                packs.add(runs(pack, from));
            }
        }
        return "[" + String.join(",", packs) + "]";
    }

    /// Neighbouring pieces of one row read as one run, as the tokens show them.
    private static String runs(List<Piece> pack, int firstRow) {
        List<Piece> runs = new ArrayList<>();
        for (Piece piece : pack) {
            Piece last = runs.isEmpty() ? new Piece(-1, 0, 0) : runs.removeLast();
            if (last.row() == piece.row() && last.start() + last.length() == piece.start()) {
                runs.add(new Piece(last.row(), last.start(), last.length() + piece.length()));
            } else {
                if (last.row() >= 0) {
                    runs.add(last);
                }
                runs.add(piece);
            }
        }
        List<String> texts = new ArrayList<>();
        for (Piece run : runs) {
            texts.add("[%d,%d,%d]".formatted(run.row() + firstRow, run.start(), run.length()));
        }
        return "[" + String.join(",", texts) + "]";
    }
}
