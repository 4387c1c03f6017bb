package dev.tunesmith.bench.text;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.golden.GoldenTensors;
import dev.tunesmith.contracts.dataset.AlignedRow;
import dev.tunesmith.engine.data.Labelled;
import dev.tunesmith.engine.data.LengthRule;
import dev.tunesmith.engine.data.Packing;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.text.SpecialText;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Packs, documents and padded batches of `text/lf_datasets`.
final class BatchCases {

    private BatchCases() {}

    /// A packed row in the layout of the reference.
    private record Pack(
            List<Integer> ids,
            List<Integer> labels,
            List<Integer> documents,
            List<Integer> positions,
            List<Integer> borders) {

        Pack() {
            this(
                    new ArrayList<>(),
                    new ArrayList<>(),
                    new ArrayList<>(),
                    new ArrayList<>(),
                    new ArrayList<>(List.of(0)));
        }

        void add(Labelled row, int document) {
            for (int i = 0; i < row.length(); i++) {
                ids.add(row.ids()[i]);
                labels.add(row.labels()[i]);
                documents.add(document);
                positions.add(i);
            }
            borders.add(ids.size());
        }

        void fill(int length, int pad) {
            int missing = length - ids.size();
            ids.addAll(Collections.nCopies(missing, pad));
            labels.addAll(Collections.nCopies(missing, TokenBatch.NOT_TRAINED));
            documents.addAll(Collections.nCopies(missing, 0));
            positions.addAll(Collections.nCopies(missing, 0));
            if (missing > 0) {
                borders.add(ids.size());
            }
        }
    }

    /// Packs are asked for by name, which takes one token off their length; it is padded back.
    private static List<Pack> packs(TokenCases run) {
        int capacity = run.lengthMax() - 1;
        int batch = run.option("preprocessing_batch_size", 1000);
        List<Pack> packs = new ArrayList<>();
        for (int from = 0; from < run.rows().size(); from += batch) {
            List<Labelled> rows = new ArrayList<>();
            for (AlignedRow row :
                    run.rows().subList(from, Math.min(from + batch, run.rows().size()))) {
                if (run.usable(row)) {
                    rows.add(run.cutAtEnds(row, capacity));
                }
            }
            List<Integer> lengths = rows.stream().map(Labelled::length).toList();
            for (List<Integer> members : LengthRule.packs(lengths, capacity)) {
                Pack pack = new Pack();
                for (int i = 0; i < members.size(); i++) {
                    pack.add(rows.get(members.get(i)), i + 1);
                }
                pack.fill(capacity + 1, run.tokens().pad());
                packs.add(pack);
            }
        }
        return packs;
    }

    static void packed(GoldenCase golden, JsonNode tree, Comparison comparison) {
        try (TokenCases run = new TokenCases(golden, tree)) {
            List<Pack> packs = packs(run);
            JsonNode expected = tree.path("expected");
            comparison.equal("packs", packs.size(), expected.size());
            boolean neat = run.on("neat_packing");
            for (int i = 0; i < Math.min(packs.size(), expected.size()); i++) {
                Pack pack = packs.get(i);
                JsonNode row = expected.get(i);
                equal(comparison, "ids " + i, pack.ids(), row.path("input_ids"));
                equal(comparison, "labels " + i, pack.labels(), row.path("labels"));
                equal(comparison, "positions " + i, pack.positions(), row.path("position_ids"));
                equal(
                        comparison,
                        "mask " + i,
                        neat ? pack.documents() : Collections.nCopies(pack.ids().size(), 1),
                        row.path("attention_mask"));
                if (row.has("sequence_boundaries")) {
                    equal(
                            comparison,
                            "borders " + i,
                            pack.borders(),
                            row.path("sequence_boundaries"));
                }
            }
        }
    }

    private static void equal(
            Comparison comparison, String what, List<Integer> found, JsonNode expected) {
        comparison.equal(what, found, JsonFiles.integers(expected));
    }

    /// Documents of pre-training: with an end token each, and no token lost between blocks.
    static void pretrained(GoldenCase golden, JsonNode tree, Comparison comparison) {
        try (TokenCases run = new TokenCases(golden, tree)) {
            Path folder = golden.above("tokenizers").resolve(tree.path("tokenizer").asText());
            boolean begins =
                    Boolean.TRUE.equals(
                            JsonTree.read(folder.resolve("tokenizer_config.json"))
                                    .get("add_bos_token"));
            int end =
                    tree.path("template").asText().equals("llama3")
                            ? run.tokens().tokenizer().id("<|end_of_text|>").orElse(-1)
                            : run.tokens().eos();
            List<int[]> documents = new ArrayList<>();
            for (AlignedRow row : run.rows()) {
                List<Integer> ids = new ArrayList<>();
                if (begins) {
                    run.tokens().bos().ifPresent(ids::add);
                }
                String text = row.prompt().getFirst().content();
                for (int id : run.tokens().tokenizer().encode(text, SpecialText.LITERAL)) {
                    ids.add(id);
                }
                ids.add(end);
                documents.add(ids.stream().mapToInt(Integer::intValue).toArray());
            }
            JsonNode expected = tree.path("expected");
            List<int[]> rows =
                    tree.path("options").path("packing").asBoolean(true)
                            ? blocks(documents, run.lengthMax())
                            : documents.stream()
                                    .map(ids ->
                                            Arrays.copyOf(
                                                    ids, Math.min(ids.length, run.lengthMax())))
                                    .toList();
            comparison.equal("rows", rows.size(), expected.size());
            for (int i = 0; i < Math.min(rows.size(), expected.size()); i++) {
                equal(
                        comparison,
                        "row " + i,
                        TokenCases.list(rows.get(i)),
                        expected.get(i).path("input_ids"));
            }
        }
    }

    private static List<int[]> blocks(List<int[]> documents, int length) {
        int[] lengths = documents.stream().mapToInt(ids -> ids.length).toArray();
        List<int[]> blocks = new ArrayList<>();
        for (List<Packing.Piece> pieces : Packing.WRAPPED.pack(lengths, length)) {
            blocks.add(
                    pieces.stream()
                            .flatMapToInt(piece ->
                                    Arrays.stream(
                                            documents.get(piece.row()),
                                            piece.start(),
                                            piece.start() + piece.length()))
                            .toArray());
        }
        return blocks;
    }

    /// Padded batches, as the reference lays them out.
    static void collated(GoldenCase golden, JsonNode tree, JsonNode of, Comparison comparison) {
        GoldenTensors expected =
                golden.tensors("expected.safetensors")
                        .orElseThrow(() -> Datasets.unsupported("no expected.safetensors"));
        Map<String, List<List<Integer>>> batch;
        try (TokenCases run = new TokenCases(golden, of)) {
            batch =
                    of.path("kind").asText().equals("lf_dataset_pack")
                            ? packed(run, tree)
                            : rows(run, tree, of.path("stage").asText());
        }
        batch.forEach((name, rows) -> {
            if (expected.has(name)) {
                int[] found =
                        rows.stream()
                                .flatMapToInt(row -> row.stream().mapToInt(Integer::intValue))
                                .toArray();
                comparison.equal(
                        name, Arrays.toString(found), Arrays.toString(expected.integers(name)));
            }
        });
    }

    private static Map<String, List<List<Integer>>> packed(TokenCases run, JsonNode tree) {
        Map<String, List<List<Integer>>> batch = new LinkedHashMap<>();
        for (Pack pack : packs(run).subList(0, tree.path("rows").asInt())) {
            add(batch, "input_ids", pack.ids());
            add(batch, "labels", pack.labels());
            add(batch, "position_ids", pack.positions());
            List<Integer> allowed = new ArrayList<>();
            for (int to = 0; to < pack.ids().size(); to++) {
                for (int from = 0; from < pack.ids().size(); from++) {
                    boolean same = pack.documents().get(to).equals(pack.documents().get(from));
                    allowed.add(same && pack.documents().get(to) != 0 && from <= to ? 1 : 0);
                }
            }
            add(batch, "attention_mask_allowed", allowed);
        }
        return batch;
    }

    private static Map<String, List<List<Integer>>> rows(
            TokenCases run, JsonNode tree, String stage) {
        List<AlignedRow> usable = run.rows().stream().filter(run::usable).toList();
        int count = tree.path("rows").asInt();
        Map<String, List<List<Integer>>> batch = new LinkedHashMap<>();
        List<String> sides = stage.equals("rm") ? List.of("chosen_", "rejected_") : List.of("");
        for (String side : sides) {
            for (AlignedRow row : usable.subList(0, count)) {
                put(batch, "", side, run.values(row));
            }
        }
        for (int i = 0; stage.equals("kto") && i < count; i++) {
            AlignedRow before = usable.get((i + usable.size() - 1) % usable.size());
            add(batch, "kto_tags", List.of(usable.get(i).desirable().orElse(false) ? 1 : 0));
            put(batch, "kl_", "", run.values(usable.get(i), before.answers()));
        }
        boolean left = tree.path("padding_side").asText().equals("left");
        int multiple = tree.path("pad_to_multiple_of").asInt(1);
        for (String name : List.copyOf(batch.keySet())) {
            int fill =
                    name.endsWith("labels")
                            ? TokenBatch.NOT_TRAINED
                            : name.endsWith("mask") ? 0 : run.tokens().pad();
            if (!name.equals("kto_tags")) {
                batch.put(name, padded(batch.getOrDefault(name, List.of()), fill, multiple, left));
            }
        }
        return batch;
    }

    private static void put(
            Map<String, List<List<Integer>>> batch,
            String prefix,
            String side,
            Map<String, Object> values) {
        List<Integer> ids = TokenCases.numbers(values.get(side + "input_ids"));
        add(batch, prefix + "input_ids", ids);
        add(batch, prefix + "labels", TokenCases.numbers(values.get(side + "labels")));
        add(batch, prefix + "attention_mask", Collections.nCopies(ids.size(), 1));
    }

    private static void add(
            Map<String, List<List<Integer>>> batch, String name, List<Integer> row) {
        batch.computeIfAbsent(name, _ -> new ArrayList<>()).add(row);
    }

    private static List<List<Integer>> padded(
            List<List<Integer>> rows, int fill, int multiple, boolean left) {
        int longest = rows.stream().mapToInt(List::size).max().orElse(0);
        int width = Math.ceilDiv(longest, multiple) * multiple;
        List<List<Integer>> padded = new ArrayList<>();
        for (List<Integer> row : rows) {
            List<Integer> all = new ArrayList<>(row);
            all.addAll(left ? 0 : row.size(), Collections.nCopies(width - row.size(), fill));
            padded.add(all);
        }
        return padded;
    }
}
