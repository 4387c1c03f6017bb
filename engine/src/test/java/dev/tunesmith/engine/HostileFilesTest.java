package dev.tunesmith.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.tunesmith.contracts.chat.NamedTemplates;
import dev.tunesmith.contracts.chat.TemplateSource;
import dev.tunesmith.contracts.data.RowChecker;
import dev.tunesmith.contracts.data.RowSummary;
import dev.tunesmith.contracts.data.SummaryText;
import dev.tunesmith.contracts.dataset.DatasetCatalog;
import dev.tunesmith.contracts.dataset.UsualRow;
import dev.tunesmith.contracts.jinja.TemplateException;
import dev.tunesmith.contracts.template.ChatInput;
import dev.tunesmith.contracts.template.ChatOptions;
import dev.tunesmith.contracts.template.ChatTemplate;
import dev.tunesmith.contracts.tool.Signatures;
import dev.tunesmith.contracts.tool.ToolFormat;
import dev.tunesmith.engine.data.JsonLines;
import dev.tunesmith.engine.data.TrainingRow;
import dev.tunesmith.engine.data.UnusableRowException;
import dev.tunesmith.engine.gguf.GgufFile;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.io.SafetensorsFile;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.rows.RowFile;
import dev.tunesmith.engine.rows.RowFileException;
import dev.tunesmith.engine.rows.RowReader;
import dev.tunesmith.engine.text.SpecialText;
import dev.tunesmith.engine.text.Tokenizer;
import dev.tunesmith.engine.vision.PictureReader;
import io.airlift.compress.v3.zstd.ZstdOutputStream;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;
import javax.imageio.ImageIO;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// Files of strangers: whatever their bytes are, reading ends soon, takes bounded memory, and gives
/// a result or an error with a name. Mutations come from fixed seeds; the tag `soak` tries more.
final class HostileFilesTest {
    private static final Path GOLDEN = Path.of("..", "golden", "text");
    private static final Path ROWS = Path.of("src/test/resources/rows");
    private static final long CPU_MS_MAX = 4_000;
    private static final LocalDateTime NOW = LocalDateTime.of(2026, 1, 2, 3, 4, 5);
    private static final long ALLOCATED_BYTES_MAX = 768L << 20;
    private static final int ROWS_MAX = 100_000;
    private static final long SOAK_NANOS_MAX = 120_000_000_000L;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /// Pieces of bytes that parsers stumble over.
    private static final List<byte[]> SIGNS = signs();

    @TempDir private Path folder;

    /// What is read, from which whole files mutations start, and how many a quick run tries.
    enum Kind {
        JSON_ROW(3000),
        JSON_FILE(300),
        CHECKED_LINES(2000),
        FOREIGN_ROW(3000),
        CATALOG(1000),
        ANSWER(2000),
        TEMPLATE(1000),
        VARIABLES(1000),
        FUNCTIONS(2000),
        CSV(500),
        PARQUET(600),
        ARROW(600),
        GZIP(200),
        ZSTD(200),
        TABBED(300),
        TOKENIZER_JSON(120),
        SENTENCE_PIECES(150),
        RANKS(100),
        WORDS(100),
        MODEL_JSON(500),
        SAFETENSORS(1500),
        GGUF(800),
        PICTURE(300);

        private final int quickRounds;

        Kind(int quickRounds) {
            this.quickRounds = quickRounds;
        }
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void noMutationIsAnythingButReadOrRefused(Kind kind) throws IOException {
        assertThat(mutate(kind, kind.quickRounds, 11, Long.MAX_VALUE)).isPositive();
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    @Tag("soak")
    void noMutationIsAnythingButReadOrRefusedForLong(Kind kind) throws IOException {
        long seed = System.nanoTime();
        long end = seed + SOAK_NANOS_MAX;
        assertThat(mutate(kind, 1000 * kind.quickRounds, seed, end)).isPositive();
    }

    /// What long runs have found.
    @ParameterizedTest
    @CsvSource({
        "ZSTD, 78522883159873, 1334",
        "ZSTD, 80783442023869, 544",
        "SAFETENSORS, 77761962617550, 704"
    })
    void whatOnceFailedDoesNotFailAgain(Kind kind, long seed, int rounds) throws IOException {
        assertThat(mutate(kind, rounds, seed, Long.MAX_VALUE)).isPositive();
    }

    /// Kills: an order of `catch` clauses that lets a fault of the JDK through, and every check of
    /// a claimed size.
    @ParameterizedTest
    @EnumSource(Kind.class)
    void oddBytesAreReadOrRefused(Kind kind) throws IOException {
        List<byte[]> odd = new ArrayList<>(SIGNS);
        odd.add(new byte[0]);
        odd.add(new byte[100]);
        odd.add("[".repeat(100_000).getBytes(StandardCharsets.UTF_8));
        odd.add("{\"a\":".repeat(100_000).getBytes(StandardCharsets.UTF_8));
        odd.add("{\"a\":1,\"a\":2}".getBytes(StandardCharsets.UTF_8));
        odd.add(
                "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":2147483647},\"merges\":[]}}"
                        .getBytes(StandardCharsets.UTF_8));
        odd.add(
                "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":0},\"merges\":[\"a b c\"]}}"
                        .getBytes(StandardCharsets.UTF_8));
        odd.add(
                "{\"model\":{\"type\":\"Unigram\",\"unk_id\":9,\"vocab\":[[\"a\",NaN]]}}"
                        .getBytes(StandardCharsets.UTF_8));
        odd.add(
                "{\"model\":{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[]}}"
                        .getBytes(StandardCharsets.UTF_8));
        for (byte[] bytes : seeds(kind)) {
            odd.add(
                    ByteBuffer.allocate(bytes.length + 3)
                            .put(new byte[] {-17, -69, -65})
                            .put(bytes)
                            .array());
        }
        for (byte[] bytes : odd) {
            read(kind, bytes);
        }
    }

    private int mutate(Kind kind, int rounds, long seed, long end) throws IOException {
        List<byte[]> seeds = seeds(kind);
        Random random = new Random(seed);
        int refused = 0;
        for (int round = 0; round < rounds && System.nanoTime() < end; round++) {
            byte[] bytes = mutated(seeds.get(random.nextInt(seeds.size())), random);
            try {
                refused += read(kind, bytes) ? 0 : 1;
            } catch (RuntimeException | Error e) {
                throw new AssertionError("%s, seed %d, round %d".formatted(kind, seed, round), e);
            }
        }
        return refused;
    }

    private static byte[] mutated(byte[] whole, Random random) {
        var out = new ByteArrayOutputStream();
        int length = random.nextInt(4) == 0 ? random.nextInt(whole.length + 1) : whole.length;
        out.write(whole, 0, length);
        for (int change = random.nextInt(1, 5); change > 0; change--) {
            byte[] now = out.toByteArray();
            // Headers and ends of files say more than what lies between them.
            int reach = random.nextBoolean() ? Math.min(now.length, 200) : now.length;
            int at = now.length == 0 ? 0 : now.length - 1 - random.nextInt(reach);
            at = random.nextBoolean() ? at : now.length == 0 ? 0 : random.nextInt(reach);
            byte[] sign = SIGNS.get(random.nextInt(SIGNS.size()));
            out.reset();
            out.write(now, 0, at);
            switch (random.nextInt(4)) {
                case 0 -> out.write(random.nextInt(256));
                case 1, 2 -> out.writeBytes(sign);
                default -> out.write(now, at, Math.min(now.length - at, random.nextInt(40)));
            }
            int skipped = random.nextInt(3) == 0 ? 0 : Math.min(now.length - at, sign.length);
            out.write(now, at + skipped, now.length - at - skipped);
        }
        return out.toByteArray();
    }

    private static List<byte[]> signs() {
        List<byte[]> signs = new ArrayList<>();
        for (String text :
                List.of(
                        "\"",
                        "{",
                        "}",
                        "[",
                        "]",
                        ",",
                        ":",
                        "\\",
                        "\\u0000",
                        "\\ud800",
                        "\0",
                        "\r\n",
                        "NaN",
                        "-Infinity",
                        "1e999",
                        "9".repeat(50),
                        "-1",
                        "null",
                        "true",
                        "\uFEFF",
                        "\uFFFE",
                        "<0x00>",
                        "[[[[",
                        "{\"a\":{\"a\":")) {
            signs.add(text.getBytes(StandardCharsets.UTF_8));
        }
        signs.add(new byte[] {(byte) 0xED, (byte) 0xA0, (byte) 0x80}); // a lone surrogate in UTF-8
        signs.add(new byte[] {(byte) 0xC0, (byte) 0x80});
        for (long number :
                new long[] {
                    0, -1, 1, 10L << 30, Integer.MAX_VALUE, Long.MIN_VALUE, Long.MAX_VALUE
                }) {
            signs.add(
                    ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(number).array());
            signs.add(
                    ByteBuffer.allocate(4)
                            .order(ByteOrder.LITTLE_ENDIAN)
                            .putInt((int) number)
                            .array());
            signs.add(ByteBuffer.allocate(4).putInt((int) number).array());
        }
        return signs;
    }

    private List<byte[]> seeds(Kind kind) throws IOException {
        return switch (kind) {
            case JSON_ROW, JSON_FILE, CHECKED_LINES ->
                    List.of(
                            "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\",\"weight\":1}]}"
                                    .getBytes(StandardCharsets.UTF_8),
                            "{\"prompt\":\"p\",\"chosen\":[{\"role\":\"assistant\",\"content\":\"a\"}],\"rejected\":\"b\",\"margin\":1.5}"
                                    .getBytes(StandardCharsets.UTF_8),
                            "{\"text\":\"a\\ud83d\\ude00\"}".getBytes(StandardCharsets.UTF_8));
            case FOREIGN_ROW -> foreignRows();
            case CATALOG -> catalogs();
            case ANSWER -> answers();
            case TEMPLATE ->
                    texts(
                            TemplateSource.of(NamedTemplates.find("qwen3").orElseThrow()),
                            TemplateSource.of(NamedTemplates.find("mistral").orElseThrow()),
                            "{# alpaca #}" + ChatTemplate.CHATML.source());
            case VARIABLES ->
                    texts(
                            "{\"enable_thinking\":false,\"documents\":[{\"title\":\"t\",\"text\":\"x\"}]}",
                            "{\"reasoning_effort\":\"high\",\"a\":{\"b\":[[[1]]]},\"tools\":null}");
            case FUNCTIONS ->
                    texts(
                            "{\"function\":{\"name\":\"f\",\"parameters\":{\"properties\":{\"k\":{\"type\":\"string\"},\"n\":{\"anyOf\":[{\"type\":[\"integer\",\"null\"]},{\"enum\":[1,\"a\"]}]}}}}}");
            case TABBED -> List.of("a\tb\r\n1\t\"x\ty\"\r\n".getBytes(StandardCharsets.UTF_8));
            case CSV ->
                    List.of(
                            "\uFEFFa,b\r\n1,\"x \"\"y\"\"\nz\"\r\n,2\r\n"
                                    .getBytes(StandardCharsets.UTF_8));
            case PARQUET ->
                    List.of(
                            Files.readAllBytes(ROWS.resolve("nested-zstd.parquet")),
                            Files.readAllBytes(ROWS.resolve("nested-snappy.parquet")));
            case ARROW ->
                    List.of(
                            Files.readAllBytes(ROWS.resolve("nested-lz4.arrow")),
                            Files.readAllBytes(ROWS.resolve("nested-plain.arrow")));
            case GZIP ->
                    List.of(
                            gzip(
                                    "{\"text\":\"abc\"}\n"
                                            .repeat(200)
                                            .getBytes(StandardCharsets.UTF_8)));
            case ZSTD -> List.of(zstd("{\"text\":\"abc\"}\n".repeat(200)));
            case WORDS ->
                    List.of(
                            "[PAD]\n[UNK]\n[CLS]\n[SEP]\nab\n##c\n中\n"
                                    .getBytes(StandardCharsets.UTF_8));
            case TOKENIZER_JSON -> List.of(small("unigram"), small("bpe"), small("words"));
            case SENTENCE_PIECES ->
                    List.of(
                            Files.readAllBytes(
                                    GOLDEN.resolve("vocabularies/spm_bpe/tokenizer.model")));
            case RANKS ->
                    List.of(
                            Files.readAllBytes(
                                    GOLDEN.resolve("vocabularies/tiktoken/words.tiktoken")));
            case MODEL_JSON ->
                    List.of(
                            "{\"model_type\":\"llama\",\"hidden_size\":64,\"rope_scaling\":{\"factor\":2.0}}"
                                    .getBytes(StandardCharsets.UTF_8));
            case SAFETENSORS -> List.of(safetensors());
            case GGUF ->
                    List.of(
                            Files.readAllBytes(
                                    GOLDEN.resolve("vocabularies/gguf_spm_bpe/vocabulary.gguf")));
            case PICTURE -> List.of(picture("png"), picture("jpg"), picture("notes"));
        };
    }

    private static List<byte[]> foreignRows() {
        return texts(
                "{\"instruction\":\"a\",\"input\":\"b\",\"output\":\"c\",\"system\":\"s\",\"history\":[[\"q\",\"a\"]]}",
                "{\"conversations\":[{\"from\":\"human\",\"value\":\"q\"},{\"from\":\"function_call\",\"value\":\"{\\\"name\\\":\\\"f\\\",\\\"arguments\\\":{}}\"},{\"from\":\"observation\",\"value\":\"1\"},{\"from\":\"gpt\",\"value\":\"<think>x</think>a\"}],\"tools\":\"[{\\\"name\\\":\\\"f\\\"}]\"}",
                "{\"conversations\":[{\"from\":\"human\",\"value\":\"q\"}],\"chosen\":{\"from\":\"gpt\",\"value\":\"a\"},\"rejected\":{\"from\":\"gpt\",\"value\":\"b\"},\"kto_tag\":true}",
                "{\"input\":{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"tools\":[]},\"preferred_output\":[{\"role\":\"assistant\",\"content\":\"b\"}],\"non_preferred_output\":[{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}]}");
    }

    private static List<byte[]> catalogs() {
        return texts(
                "{\"a\":{\"file_name\":\"a.json\",\"formatting\":\"sharegpt\",\"columns\":{\"messages\":\"m\"},\"tags\":{\"role_tag\":\"from\"},\"num_samples\":3},\"b\":{\"hf_hub_url\":\"x/y\",\"ranking\":true}}");
    }

    private static List<byte[]> answers() {
        return texts(
                "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": [1, \"x\"]}}\n</tool_call>",
                "<tool_call>\n<function=f>\n<parameter=k>\nv\n</parameter>\n</function>\n</tool_call>",
                "<|tool_call_start|>[f(a=\"x\", b=[1, {'k': None}])]<|tool_call_end|>",
                "Action: f\nAction Input: {\"a\": 1}\n<|tool_call>call:f{k:<|\"|>v<|\"|>}<tool_call|>",
                "<minimax:tool_call>\n<invoke name=\"f\">\n<parameter name=\"k\">1</parameter>\n</invoke>\n</minimax:tool_call>");
    }

    private static List<byte[]> texts(String... texts) {
        return Stream.of(texts).map(text -> text.getBytes(StandardCharsets.UTF_8)).toList();
    }

    private static byte[] small(String kind) {
        String model =
                switch (kind) {
                    case "unigram" ->
                            "\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"Regex\":\" {2,}\"},\"content\":\" \"},"
                                    + "\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"_\",\"prepend_scheme\":\"always\",\"split\":true},"
                                    + "\"model\":{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"<unk>\",0.0],[\"a\",-1.0],[\"ab\",-2.5]],\"byte_fallback\":false}";
                    case "bpe" ->
                            "\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"\\\\p{L}+|\\\\s+(?!\\\\S)\"},\"behavior\":\"Isolated\",\"invert\":false},"
                                    + "\"decoder\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":true,\"use_regex\":true},"
                                    + "\"model\":{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":null,\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[[\"a\",\"b\"]]}";
                    default ->
                            "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"[CLS]\",\"type_id\":0}},{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}],\"pair\":[],\"special_tokens\":{\"[CLS]\":{\"id\":\"[CLS]\",\"ids\":[0],\"tokens\":[\"[CLS]\"]}}},"
                                    + "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[CLS]\",\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":100,\"vocab\":{\"[CLS]\":0,\"a\":1,\"##b\":2}}";
                };
        return ("{\"version\":\"1.0\",\"added_tokens\":[{\"id\":0,\"content\":\"<unk>\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false,\"special\":true}],"
                        + model
                        + "}")
                .getBytes(StandardCharsets.UTF_8);
    }

    private byte[] safetensors() throws IOException {
        var writer = new SafetensorsWriter(Map.of("format", "pt"));
        writer.add("a", List.of(2L, 3L), new float[6]);
        writer.add("b", List.of(4L), new float[4]);
        Path file = folder.resolve("seed.safetensors");
        Files.deleteIfExists(file);
        writer.write(file);
        return Files.readAllBytes(file);
    }

    private static byte[] picture(String format) throws IOException {
        var out = new ByteArrayOutputStream();
        if (format.equals("notes")) {
            // A palette, behind the header a packed note of little.
            ImageIO.write(new BufferedImage(40, 30, BufferedImage.TYPE_BYTE_INDEXED), "png", out);
            byte[] png = out.toByteArray();
            out.reset();
            out.write(png, 0, 33);
            out.writeBytes(new byte[] {0, 0, 0, 11, 'z', 'T', 'X', 't', 'k', 0, 0, 0x78});
            out.writeBytes(new byte[] {(byte) 0x9C, 3, 0, 0, 0, 0, 1, 0, 0, 0, 0});
            out.write(png, 33, png.length - 33);
            return out.toByteArray();
        }
        ImageIO.write(new BufferedImage(40, 30, BufferedImage.TYPE_INT_RGB), format, out);
        return out.toByteArray();
    }

    private static byte[] gzip(byte[] content) throws IOException {
        var out = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(out)) {
            gzip.write(content);
        }
        return out.toByteArray();
    }

    private static byte[] zstd(String content) throws IOException {
        var out = new ByteArrayOutputStream();
        try (var packed = new ZstdOutputStream(out)) {
            packed.write(content.getBytes(StandardCharsets.UTF_8));
        }
        return out.toByteArray();
    }

    /// Whether the bytes were read; false if they were refused with an error that has a name.
    private boolean read(Kind kind, byte[] bytes) throws IOException {
        long cpu = THREADS.getCurrentThreadCpuTime();
        long allocated = THREADS.getCurrentThreadAllocatedBytes();
        boolean whole = true;
        try {
            readNow(kind, bytes);
        } catch (ModelFileException | RowFileException | UnusableRowException | IOException e) {
            assertThat(e.getMessage()).isNotBlank().hasSizeLessThan(2000);
            whole = false;
        }
        assertThat(THREADS.getCurrentThreadAllocatedBytes() - allocated)
                .isLessThan(ALLOCATED_BYTES_MAX);
        assertThat((THREADS.getCurrentThreadCpuTime() - cpu) / 1_000_000).isLessThan(CPU_MS_MAX);
        return whole;
    }

    private void readNow(Kind kind, byte[] bytes) throws IOException {
        switch (kind) {
            case JSON_ROW -> row(new String(bytes, StandardCharsets.UTF_8));
            case JSON_FILE -> rows("a.json", bytes);
            case CHECKED_LINES -> checked(bytes);
            case FOREIGN_ROW -> foreign(new String(bytes, StandardCharsets.UTF_8));
            case CATALOG ->
                    DatasetCatalog.of(JsonLines.parse(new String(bytes, StandardCharsets.UTF_8)));
            case ANSWER -> answer(new String(bytes, StandardCharsets.UTF_8));
            case TEMPLATE -> template(new String(bytes, StandardCharsets.UTF_8));
            case VARIABLES -> variables(new String(bytes, StandardCharsets.UTF_8));
            case FUNCTIONS -> functions(new String(bytes, StandardCharsets.UTF_8));
            case TABBED -> rows("a.tsv", bytes);
            case ZSTD -> rows("a.jsonl.zst", bytes);
            case WORDS -> tokenizer("vocab.txt", bytes);
            case CSV -> rows("a.csv", bytes);
            case PARQUET -> rows("a.parquet", bytes);
            case ARROW -> rows("a.arrow", bytes);
            case GZIP -> rows("a.jsonl.gz", bytes);
            case TOKENIZER_JSON -> tokenizer("tokenizer.json", bytes);
            case SENTENCE_PIECES -> tokenizer("tokenizer.model", bytes);
            case RANKS -> tokenizer("x.tiktoken", bytes);
            case MODEL_JSON -> JsonTree.read(Files.write(folder.resolve("config.json"), bytes));
            case SAFETENSORS -> {
                Path file = Files.write(folder.resolve("a.safetensors"), bytes);
                try (SafetensorsFile opened = SafetensorsFile.open(file)) {
                    assertThat(opened.tensors())
                            .allSatisfy(tensor ->
                                    assertThat(opened.bytes(tensor.name()).byteSize())
                                            .isEqualTo(tensor.bytes()));
                }
            }
            case GGUF -> {
                Path file = Files.write(folder.resolve("a.gguf"), bytes);
                try (GgufFile opened = GgufFile.open(file)) {
                    opened.tensors().forEach(opened::values);
                }
            }
            case PICTURE -> new PictureReader(14, 2, 2, 0).read(bytes);
        }
    }

    private static void row(String line) {
        Map<String, Object> tree = JsonLines.parse(line);
        if (tree.containsKey("messages")) {
            TrainingRow.chat(tree);
        } else if (tree.containsKey("text")) {
            TrainingRow.text(tree);
        } else {
            TrainingRow.pair(tree);
        }
    }

    /// A row of another program, as it is taken for training.
    private static void foreign(String line) {
        UsualRow usual = UsualRow.of(JsonLines.parse(line));
        if (usual.problem().isPresent()) {
            throw new UnusableRowException("", usual.problem().get());
        }
        Map<String, Object> tree = usual.row();
        if (tree.containsKey("messages")) {
            TrainingRow.chat(tree);
        } else {
            TrainingRow.pair(tree);
        }
    }

    /// What a model wrote: there are calls in it or there are none. Nothing is refused.
    private static void answer(String text) {
        for (ToolFormat format : ToolFormat.values()) {
            for (ToolFormat.Reading reading : ToolFormat.Reading.values()) {
                format.calls(text, reading);
            }
        }
        if (text.isEmpty() || text.charAt(0) != '<') {
            throw new UnusableRowException("", "no call at the start");
        }
    }

    /// What lies beside an adapter as its chat template: a named one, another, or none.
    private static void template(String source) {
        NamedTemplates.written(source);
        ToolFormat.shownBy(source);
        try {
            ChatTemplate.compile(source).renderOver(Map.of("messages", List.of()), NOW);
        } catch (TemplateException e) {
            throw new UnusableRowException("", String.valueOf(e.getMessage()));
        }
    }

    /// Variables of a template as a request has them.
    private static void variables(String text) {
        Map<String, Object> tree = JsonLines.parse(text);
        List<String> problems = ChatOptions.problems(tree);
        if (!problems.isEmpty()) {
            throw new UnusableRowException("", problems.getFirst());
        }
        ChatTemplate.CHATML.render(
                ChatInput.of(List.of(Map.of("role", "user", "content", "a")), Map.of(), NOW)
                        .withExtra(ChatOptions.of(tree).variables()));
    }

    /// A function as a request has it, called with what fits and what does not.
    private static void functions(String text) {
        Signatures functions = Signatures.of(List.of(JsonLines.parse(text)));
        for (ToolFormat format : ToolFormat.values()) {
            for (byte[] answer : answers()) {
                format.calls(
                        new String(answer, StandardCharsets.UTF_8),
                        ToolFormat.Reading.EXACT,
                        functions);
            }
        }
    }

    /// A check refuses nothing: it says what is wrong.
    private static void checked(byte[] bytes) {
        RowChecker checker = new RowChecker();
        checker.accept(bytes, 0, bytes.length);
        RowSummary summary = checker.finish();
        SummaryText.lines(summary);
        if (!summary.ok()) {
            throw new UnusableRowException("", summary.problems().getFirst().text());
        }
    }

    private void rows(String name, byte[] bytes) throws IOException {
        try (RowReader reader = RowFile.open(Files.write(folder.resolve(name), bytes))) {
            Optional<Map<String, @Nullable Object>> row = reader.next();
            for (int i = 0; row.isPresent() && i < ROWS_MAX; i++) {
                row = reader.next();
            }
        }
    }

    private void tokenizer(String name, byte[] bytes) throws IOException {
        try (Tokenizer tokenizer = Tokenizer.open(Files.write(folder.resolve(name), bytes))) {
            int[] ids = tokenizer.encode("ab <unk> a  b\0\uD800é中", SpecialText.PARSED);
            tokenizer.decode(ids, false);
            tokenizer.encodeWithAdded("a", SpecialText.USER);
            tokenizer.decode(new int[] {0, 1, Integer.MAX_VALUE}, true);
        }
    }

    /// Kills: decoding a picture before its claimed sides are looked at. 30000 x 30000 pixels of
    /// one colour are 900 KB as PNG and 3.6 GB in memory.
    @Test
    void aPictureBombIsRefusedByItsHeader() throws IOException {
        byte[] bomb = png(30_000, 30_000, 1 << 20);
        long allocated = THREADS.getCurrentThreadAllocatedBytes();
        assertThat(refusal(bomb)).contains("30000 x 30000");
        assertThat(THREADS.getCurrentThreadAllocatedBytes() - allocated).isLessThan(16 << 20);
        assertThat(refusal(png(1, 60_000, 0))).contains("1 x 60000");
        assertThat(refusal(png(0x7FFFFFFF, 0x7FFFFFFF, 0))).contains("picture");
    }

    /// Kills: handing bytes to every decoder that the JDK has, such as those of BMP and GIF.
    @Test
    void onlyTheTwoKindsOfPictureAreDecoded() throws IOException {
        assertThat(refusal(picture("bmp"))).contains("neither PNG nor JPEG");
        assertThat(refusal(picture("gif"))).contains("neither PNG nor JPEG");
    }

    private static String refusal(byte[] picture) {
        try {
            new PictureReader(14, 2, 2, 0).read(picture);
            return "";
        } catch (IOException e) {
            return String.valueOf(e.getMessage());
        }
    }

    private static byte[] png(int width, int height, int zeros) throws IOException {
        var out = new ByteArrayOutputStream();
        var data = new DataOutputStream(out);
        data.write(new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'});
        chunk(
                data,
                "IHDR",
                ByteBuffer.allocate(13)
                        .putInt(width)
                        .putInt(height)
                        .put((byte) 8)
                        .put((byte) 0)
                        .array());
        Deflater deflater = new Deflater();
        deflater.setInput(new byte[zeros]);
        deflater.finish();
        byte[] packed = new byte[zeros / 100 + 100];
        int length = deflater.deflate(packed);
        deflater.end();
        chunk(data, "IDAT", java.util.Arrays.copyOf(packed, length));
        chunk(data, "IEND", new byte[0]);
        return out.toByteArray();
    }

    private static void chunk(DataOutputStream data, String name, byte[] content)
            throws IOException {
        byte[] type = name.getBytes(StandardCharsets.US_ASCII);
        CRC32 sum = new CRC32();
        sum.update(type);
        sum.update(content);
        data.writeInt(content.length);
        data.write(type);
        data.write(content);
        data.writeInt((int) sum.getValue());
    }

    /// Kills: reading a compressed file to its end. A megabyte of it is a gigabyte of blanks.
    @Test
    void aGzipBombIsRefused() throws IOException {
        var out = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(out)) {
            byte[] blanks = " ".repeat(1 << 20).getBytes(StandardCharsets.UTF_8);
            for (int i = 0; i < 600; i++) {
                gzip.write(blanks);
            }
        }
        assertThat(read(Kind.GZIP, out.toByteArray())).isFalse();
    }

    /// Kills: the same for zstd, where four bytes can be 128 KiB of one byte.
    @Test
    void aZstdBombIsRefused() throws IOException {
        var out = new ByteArrayOutputStream();
        out.writeBytes(new byte[] {0x28, (byte) 0xB5, 0x2F, (byte) 0xFD, 0, 0x58});
        for (int i = 0; i < 10_000; i++) {
            out.writeBytes(new byte[] {2, 0, 0x10, ' '});
        }
        assertThat(read(Kind.ZSTD, out.toByteArray())).isFalse();
    }

    /// Kills: the bound of what the buffers of one batch become. Every place of the file that could
    /// be the length of one is set to a gigabyte.
    @Test
    void noBufferOfAnArrowFileIsAsLongAsItClaims() throws IOException {
        byte[] gigabyte =
                ByteBuffer.allocate(8)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(1_000_000_000)
                        .array();
        byte[] whole = Files.readAllBytes(ROWS.resolve("nested-lz4.arrow"));
        for (int at = 0; at + 8 <= whole.length; at += 8) {
            byte[] bytes = whole.clone();
            System.arraycopy(gigabyte, 0, bytes, at, 8);
            read(Kind.ARROW, bytes);
        }
    }

    /// Kills: letting the decoder's own arithmetic fail. The frame asks for a window of 4 TB.
    @Test
    void aWindowThatNoArrayHoldsIsRefused() throws IOException {
        byte[] frame = {
            0x28, (byte) 0xB5, 0x2F, (byte) 0xFD, 0, (byte) 0xFF, 41, 0, 0, 1, 2, 3, 4, 5
        };
        assertThat(read(Kind.ZSTD, frame)).isFalse();
    }

    /// Kills: believing a length before the bytes are there. Each of these claims 10 GB.
    @Test
    void claimedSizesAreNotBelieved() throws IOException {
        byte[] tenGigabytes =
                ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(10L << 30).array();
        for (Kind kind : List.of(Kind.SAFETENSORS, Kind.GGUF, Kind.ARROW, Kind.PARQUET)) {
            for (byte[] whole : seeds(kind)) {
                for (int at : List.of(0, 8, 16, 24, whole.length - 16, whole.length - 8)) {
                    byte[] bytes = whole.clone();
                    System.arraycopy(tenGigabytes, 0, bytes, at, 8);
                    read(kind, bytes);
                }
            }
        }
    }
}
