package dev.tunesmith.engine.text.vocabulary;

import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.io.StoredTensor;
import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.tensor.Bfloat16;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Adds tokens to a model: names and ids to its tokenizer, rows to its tables.
///
/// A new row is the mean of the rows of all tokens before, so that a new token is about as likely
/// as any other one and the model says what it said (Hewitt, "Initializing new word embeddings for
/// pretrained language models", 2021). Rows that a padded table had to spare are used first.
public final class VocabularyExtension {
    private static final Pattern TABLE =
            Pattern.compile(
                    "(.*\\.)?(embed_tokens|wte|word_embeddings|embed_in|tok_embeddings|lm_head|embed_out)"
                            + "\\.(weight|bias)");
    private static final String SIZE = "vocab_size";
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final ModelDirectory model;
    private final Path folder;
    private final Path vocabulary;
    private final Map<String, Object> tree;
    private final Map<String, Integer> ids = new LinkedHashMap<>();
    private final int tokensBefore;

    /// What is added.
    ///
    /// @param special whether the tokens are control tokens, which no text of a user can hold
    /// @param rowsMultiple tables get a multiple of so many rows
    public record Wanted(List<String> tokens, boolean special, int rowsMultiple) {
        public Wanted {
            tokens = List.copyOf(new LinkedHashSet<>(tokens));
            if (tokens.isEmpty() || tokens.stream().anyMatch(String::isBlank) || rowsMultiple < 1) {
                throw new IllegalArgumentException(
                        "tokens %s, rows in multiples of %d".formatted(tokens, rowsMultiple));
            }
        }
    }

    /// What became of it.
    ///
    /// @param ids of the tokens that are new
    /// @param rows of the tables now
    public record Result(Map<String, Integer> ids, int rows) {}

    private VocabularyExtension(ModelDirectory model, Path folder) {
        this.model = model;
        this.folder = folder;
        this.vocabulary =
                model.tokenizer()
                        .orElseThrow(() ->
                                new ModelFileException(model.path(), "there is no tokenizer"));
        this.tree = new LinkedHashMap<>(VocabularyFiles.tree(vocabulary));
        readIds();
        this.tokensBefore = 1 + ids.values().stream().mapToInt(id -> id).max().orElse(-1);
    }

    /// Fills an empty folder with the model and its new tokens.
    ///
    /// @throws ModelFileException if the tables of the model cannot grow
    public static Result write(ModelDirectory model, Path folder, Wanted wanted)
            throws IOException {
        var extension = new VocabularyExtension(model, folder);
        Map<String, Integer> added = extension.number(wanted);
        int before = extension.rows();
        int needed = Math.max(before, extension.tokensBefore + added.size());
        int rows = Math.ceilDiv(needed, wanted.rowsMultiple()) * wanted.rowsMultiple();
        extension.writeWeights(before, added.isEmpty() ? before : rows);
        extension.writeOthers();
        extension.writeConfig(added.isEmpty() ? before : rows);
        extension.writeTokenizer(wanted, added);
        return new Result(added, added.isEmpty() ? before : rows);
    }

    private void readIds() {
        Object words = tree.get("model") instanceof Map<?, ?> part ? part.get("vocab") : null;
        if (words instanceof Map<?, ?> map) {
            map.forEach((token, id) -> putId(token, id));
        } else if (words instanceof List<?> scored) {
            for (int id = 0; id < scored.size(); id++) {
                putId(scored.get(id) instanceof List<?> pair ? pair.getFirst() : null, id);
            }
        }
        for (Object entry : tree.get("added_tokens") instanceof List<?> list ? list : List.of()) {
            if (entry instanceof Map<?, ?> token) {
                putId(token.get("content"), token.get("id"));
            }
        }
    }

    private void putId(@Nullable Object token, @Nullable Object id) {
        if (!(token instanceof String text) || !(id instanceof Integer number) || number < 0) {
            throw new ModelFileException(vocabulary, "token %s has id %s".formatted(token, id));
        }
        ids.put(text, number);
    }

    private Map<String, Integer> number(Wanted wanted) {
        Map<String, Integer> added = new LinkedHashMap<>();
        for (String token : wanted.tokens()) {
            if (!ids.containsKey(token)) {
                added.put(token, tokensBefore + added.size());
            }
        }
        return added;
    }

    private Map<?, ?> sized() {
        return model.config().containsKey(SIZE)
                ? model.config()
                : model.config().get("text_config") instanceof Map<?, ?> text ? text : Map.of();
    }

    private int rows() {
        if (!(sized().get(SIZE) instanceof Integer rows) || rows < tokensBefore) {
            throw new ModelFileException(
                    model.path().resolve(ModelDirectory.CONFIG),
                    "vocab_size %s, but the tokenizer has %d tokens"
                            .formatted(sized().get(SIZE), tokensBefore));
        }
        return rows;
    }

    private void writeConfig(int rows) throws IOException {
        Map<String, Object> config = new LinkedHashMap<>(model.config());
        if (config.containsKey(SIZE)) {
            config.put(SIZE, rows);
        }
        if (config.get("text_config") instanceof Map<?, ?> text && text.containsKey(SIZE)) {
            Map<Object, Object> changed = new LinkedHashMap<>(text);
            changed.put(SIZE, rows);
            config.put("text_config", changed);
        }
        JsonTree.write(folder.resolve(ModelDirectory.CONFIG), config);
    }

    private void writeTokenizer(Wanted wanted, Map<String, Integer> added) throws IOException {
        List<Object> entries = new ArrayList<>();
        Set<String> listed = new LinkedHashSet<>();
        for (Object entry : tree.get("added_tokens") instanceof List<?> list ? list : List.of()) {
            entries.add(entry);
            if (entry instanceof Map<?, ?> token) {
                listed.add(String.valueOf(token.get("content")));
            }
        }
        Map<String, Object> config = new LinkedHashMap<>(model.tokenizerConfig());
        Map<Object, Object> decoder = new LinkedHashMap<>();
        if (config.get("added_tokens_decoder") instanceof Map<?, ?> known) {
            decoder.putAll(known);
        }
        for (String token : wanted.tokens()) {
            int id = added.getOrDefault(token, ids.getOrDefault(token, 0));
            if (!listed.contains(token)) {
                Map<String, Object> entry =
                        AddedTokens.entry(new AddedTokens.Token(id, token, wanted.special()));
                entries.add(entry);
                Map<String, Object> unnumbered = new LinkedHashMap<>(entry);
                unnumbered.remove("id");
                decoder.put(String.valueOf(id), unnumbered);
            }
        }
        Map<String, Object> extended = new LinkedHashMap<>(tree);
        extended.put("added_tokens", entries);
        JsonTree.write(folder.resolve(ModelDirectory.TOKENIZER), extended);
        if (config.containsKey("added_tokens_decoder")) {
            config.put("added_tokens_decoder", decoder);
        }
        JsonTree.write(folder.resolve(ModelDirectory.TOKENIZER_CONFIG), config);
    }

    private void writeOthers() throws IOException {
        try (Stream<Path> files = Files.list(model.path())) {
            for (Path file : files.sorted().toList()) {
                String name = file.getFileName().toString();
                boolean written =
                        name.endsWith(".safetensors")
                                || file.equals(vocabulary)
                                || List.of(
                                                ModelDirectory.CONFIG,
                                                ModelDirectory.TOKENIZER,
                                                ModelDirectory.TOKENIZER_CONFIG)
                                        .contains(name);
                if (!written && ModelDirectory.allows(name)) {
                    Files.copy(file, folder.resolve(name));
                }
            }
        }
    }

    private void writeWeights(int before, int rows) throws IOException {
        try (WeightFiles weights = model.openWeights()) {
            Map<Path, List<String>> shards = new TreeMap<>();
            for (String name : weights.names()) {
                shards.computeIfAbsent(weights.file(name), _ -> new ArrayList<>()).add(name);
            }
            if (weights.names().stream().noneMatch(name -> isTable(weights.tensor(name), before))) {
                throw new ModelFileException(
                        model.path(), "no table of %d rows is among the weights".formatted(before));
            }
            for (Map.Entry<Path, List<String>> shard : shards.entrySet()) {
                try (Arena arena = Arena.ofConfined()) {
                    var writer = new SafetensorsWriter(Map.of("format", "pt"));
                    for (String name : shard.getValue()) {
                        add(writer, weights, weights.tensor(name), before, rows, arena);
                    }
                    writer.write(folder.resolve(shard.getKey().getFileName()));
                }
            }
        }
    }

    private static boolean isTable(StoredTensor tensor, int rows) {
        return TABLE.matcher(tensor.name()).matches()
                && !tensor.shape().isEmpty()
                && tensor.shape().getFirst() == rows;
    }

    private void add(
            SafetensorsWriter writer,
            WeightFiles weights,
            StoredTensor tensor,
            int before,
            int rows,
            Arena arena) {
        MemorySegment bytes = weights.bytes(tensor.name());
        if (!isTable(tensor, before)) {
            writer.add(tensor.name(), tensor.type(), tensor.shape(), bytes);
            return;
        }
        long width = tensor.elements() / before;
        MemorySegment grown = arena.allocate(rows * width * tensor.type().bytes());
        grown.copyFrom(bytes.asSlice(0, Math.min(bytes.byteSize(), grown.byteSize())));
        float[] mean = mean(weights, tensor.name(), width);
        for (long row = tokensBefore; row < rows; row++) {
            for (int column = 0; column < width; column++) {
                put(tensor, grown, row * width + column, mean[column]);
            }
        }
        List<Long> shape = new ArrayList<>(tensor.shape());
        shape.set(0, (long) rows);
        writer.add(tensor.name(), tensor.type(), shape, grown);
    }

    private float[] mean(WeightFiles weights, String name, long width) {
        double[] sum = new double[Math.toIntExact(width)];
        for (long row = 0; row < tokensBefore; row++) {
            float[] values = weights.floats(name, row * width, width);
            for (int column = 0; column < sum.length; column++) {
                sum[column] += values[column];
            }
        }
        float[] mean = new float[sum.length];
        for (int column = 0; column < sum.length; column++) {
            mean[column] = (float) (sum[column] / tokensBefore);
        }
        return mean;
    }

    private void put(StoredTensor tensor, MemorySegment target, long index, float value) {
        StoredType type = tensor.type();
        switch (type) {
            case F32 -> target.setAtIndex(FLOAT, index, value);
            case BF16 -> target.setAtIndex(SHORT, index, Bfloat16.of(value));
            case F16 -> target.setAtIndex(SHORT, index, Float.floatToFloat16(value));
            default ->
                    throw new ModelFileException(
                            model.path(),
                            "%s is stored as %s: tables grow in F32, BF16 and F16"
                                    .formatted(tensor.name(), type));
        }
    }
}
