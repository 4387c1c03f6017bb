package dev.tunesmith.engine.data;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PackingTest {

    @Test
    void packsAsTheReferenceDoesBatchByBatch() throws IOException {
        Path file = Path.of("..", "golden/text/packing/trl/case.json");
        for (JsonNode list : new ObjectMapper().readTree(file.toFile()).get("expected")) {
            for (Packing packing :
                    List.of(Packing.BEST_FIT, Packing.BEST_FIT_SPLIT, Packing.WRAPPED)) {
                assertThat(byBatches(packing, list))
                        .as("%s %s", list.get("name"), packing)
                        .isEqualTo(list.get(referenceName(packing)).toString());
            }
        }
    }

    @Test
    void losesNoTokenAndOverfillsNoRow() {
        Random random = new Random(1);
        for (int round = 0; round < 200; round++) {
            int capacity = 1 + random.nextInt(50);
            int[] lengths = random.ints(random.nextInt(80), 0, 120).toArray();
            for (Packing packing : List.of(Packing.NONE, Packing.BEST_FIT_SPLIT, Packing.WRAPPED)) {
                int[] seen = new int[lengths.length];
                for (List<Packing.Piece> pack : packing.pack(lengths, capacity)) {
                    assertThat(pack.stream().mapToInt(Packing.Piece::length).sum())
                            .isBetween(1, capacity);
                    pack.forEach(piece -> seen[piece.row()] += piece.length());
                }
                assertThat(seen).isEqualTo(lengths);
            }
        }
    }

    @Test
    void packsTheHundredsPerfectly() {
        int[] lengths = IntStream.rangeClosed(1, 10).map(i -> i * 100).toArray();
        assertThat(Packing.BEST_FIT.pack(lengths, 1000)).hasSize(6);
    }

    private static String byBatches(Packing packing, JsonNode list) {
        int[] lengths = new int[list.get("lengths").size()];
        Arrays.setAll(lengths, i -> list.get("lengths").get(i).asInt());
        int batch = list.get("map_batch").asInt();
        List<String> packs = new ArrayList<>();
        for (int start = 0; start < lengths.length; start += batch) {
            int[] part =
                    Arrays.copyOfRange(lengths, start, Math.min(lengths.length, start + batch));
            for (List<Packing.Piece> pack : packing.pack(part, list.get("seq_length").asInt())) {
                packs.add(segments(pack, start));
            }
        }
        return "[" + String.join(",", packs) + "]";
    }

    /// Neighbouring pieces of one row read as one run, as the tokens show them.
    private static String segments(List<Packing.Piece> pack, int offset) {
        List<Packing.Piece> runs = new ArrayList<>();
        for (Packing.Piece piece : pack) {
            Packing.Piece last = runs.isEmpty() ? new Packing.Piece(-1, 0, 0) : runs.getLast();
            if (last.row() == piece.row() && last.start() + last.length() == piece.start()) {
                runs.removeLast();
                runs.add(
                        new Packing.Piece(
                                last.row(), last.start(), last.length() + piece.length()));
            } else {
                runs.add(piece);
            }
        }
        List<String> texts =
                runs.stream()
                        .map(r -> "[%d,%d,%d]".formatted(r.row() + offset, r.start(), r.length()))
                        .toList();
        return "[" + String.join(",", texts) + "]";
    }

    private static String referenceName(Packing packing) {
        return switch (packing) {
            case NONE -> "none";
            case BEST_FIT -> "bfd";
            case BEST_FIT_SPLIT -> "bfd_split";
            case WRAPPED -> "wrapped";
        };
    }
}
