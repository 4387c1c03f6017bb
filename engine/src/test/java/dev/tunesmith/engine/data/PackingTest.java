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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class PackingTest {

    @Test
    void packsAsTheReferenceDoesBatchByBatch() throws IOException {
        for (JsonNode list : new ObjectMapper().readTree(FIXTURE.toFile()).get("expected")) {
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

    private static final Path FIXTURE = Path.of("..", "golden/text/packing/trl/case.json");

    private static double fullness(int[] lengths, int capacity, Packing packing) {
        List<List<Packing.Piece>> rows = packing.pack(lengths, capacity);
        long tokens = rows.stream().flatMap(List::stream).mapToLong(Packing.Piece::length).sum();
        return (double) tokens / ((long) rows.size() * capacity);
    }

    /// Lists of a few documents cannot fill their last row; all of them together can.
    @ParameterizedTest
    @ValueSource(ints = {48, 64, 96, 128, 256})
    void theLengthsOfTheFixtureFillRowsToNinetyEightPercent(int capacity) throws IOException {
        JsonNode lists = new ObjectMapper().readTree(FIXTURE.toFile()).get("expected");
        List<Integer> all = new ArrayList<>();
        for (JsonNode list : lists) {
            list.get("lengths").forEach(length -> all.add(length.asInt()));
        }
        int[] lengths = all.stream().mapToInt(Integer::intValue).toArray();

        assertThat(lengths).hasSizeGreaterThan(1400);
        assertThat(fullness(lengths, capacity, Packing.BEST_FIT)).isGreaterThanOrEqualTo(0.98);
        assertThat(fullness(lengths, capacity, Packing.BEST_FIT_SPLIT))
                .isGreaterThanOrEqualTo(0.98);
    }

    @Test
    void eachLongListOfTheFixtureFillsItsRowsToNinetyEightPercent() throws IOException {
        int found = 0;
        for (JsonNode list : new ObjectMapper().readTree(FIXTURE.toFile()).get("expected")) {
            int[] lengths = new int[list.get("lengths").size()];
            Arrays.setAll(lengths, i -> list.get("lengths").get(i).asInt());
            if (lengths.length >= 100) {
                found++;
                assertThat(fullness(lengths, list.get("seq_length").asInt(), Packing.BEST_FIT))
                        .as(list.get("name").asText())
                        .isGreaterThanOrEqualTo(0.98);
            }
        }
        assertThat(found).isEqualTo(2);
    }

    /// Lengths as they occur: by formula, in tokens; what is longer than a row is cut.
    enum Lengths {
        EVEN {
            @Override
            double of(Random random) {
                return 20 + random.nextInt(700);
            }
        },
        CHATS {
            @Override
            double of(Random random) {
                return 180 * Math.exp(0.8 * random.nextGaussian());
            }
        },
        LONG_TAIL {
            @Override
            double of(Random random) {
                return 60 / Math.pow(1 - random.nextDouble(), 1 / 1.3);
            }
        },
        SHORT_AND_LONG {
            @Override
            double of(Random random) {
                return random.nextInt(20) < 19
                        ? 30 + random.nextInt(60)
                        : 900 + random.nextInt(700);
            }
        };

        abstract double of(Random random);

        int[] draw(int count) {
            Random random = new Random(42);
            return IntStream.range(0, count).map(_ -> (int) Math.max(1, of(random))).toArray();
        }
    }

    @ParameterizedTest
    @EnumSource
    void usualDistributionsFillRowsToNinetyEightPercent(Lengths lengths) {
        for (int capacity : new int[] {1024, 2048, 4096}) {
            assertThat(fullness(lengths.draw(5000), capacity, Packing.BEST_FIT))
                    .as("%s in rows of %d", lengths, capacity)
                    .isGreaterThanOrEqualTo(0.98);
        }
    }

    /// Where nothing else fits beside a document, no way of packing whole documents is fuller.
    @Test
    void documentsOfMoreThanHalfARowStayAloneUnlessTheyAreSplit() {
        int[] lengths = new Random(1).ints(500, 1100, 1400).toArray();

        assertThat(Packing.BEST_FIT.pack(lengths, 2048)).hasSize(500);
        assertThat(fullness(lengths, 2048, Packing.WRAPPED)).isGreaterThan(0.99);
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
