package dev.tunesmith.engine.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.tunesmith.contracts.dataset.Mixing;
import dev.tunesmith.contracts.id.FileId;
import dev.tunesmith.contracts.job.Overflow;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.mixture.Chunk;
import dev.tunesmith.contracts.mixture.DataFile;
import dev.tunesmith.contracts.mixture.DataPlan;
import dev.tunesmith.contracts.mixture.Reading;
import dev.tunesmith.contracts.mixture.RowOrder;
import dev.tunesmith.contracts.mixture.Shape;
import dev.tunesmith.contracts.mixture.TrainedTurns;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.twin.Likeness;
import dev.tunesmith.engine.data.DatasetTokenizer;
import dev.tunesmith.engine.data.Packing;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.rows.RowSource;
import dev.tunesmith.engine.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class CorpusTest {

    private static final Path QWEN = Path.of("..", "golden/text/tokenizers/qwen2_byte_bpe");
    private static final FileId FILE = new FileId(new UUID(0, 1));

    @TempDir Path folder;
    private final KeptShards kept = new KeptShards();
    private Path model = Path.of("");
    private int corpora;

    /// A store in memory.
    private static final class KeptShards implements ShardStore {
        private final Map<String, Path> shards = new HashMap<>();
        private int found;

        @Override
        public Optional<Path> find(String source, String key) {
            Optional<Path> shard = Optional.ofNullable(shards.get(source + key));
            found += shard.isPresent() ? 1 : 0;
            return shard;
        }

        @Override
        public void keep(String source, String key, Path shard) {
            shards.put(source + key, shard);
        }
    }

    @BeforeEach
    void makeModel() throws IOException {
        model = Files.createDirectory(folder.resolve("model"));
        Files.writeString(model.resolve("config.json"), "{}");
        for (String name : List.of("tokenizer.json", "tokenizer_config.json")) {
            Files.copy(QWEN.resolve(name), model.resolve(name));
        }
        Files.writeString(
                model.resolve("chat_template.jinja"),
                """
                {%- for m in messages -%}{{ m.role[0] }}:{{ m.content }};{%- endfor -%}
                {%- if add_generation_prompt %}a:{% endif -%}
                """);
        new SafetensorsWriter(Map.of()).write(model.resolve("model.safetensors"));
    }

    @Test
    void oneRowAfterTheOtherFollowsFilesInTheirOrder() throws IOException {
        try (Corpus corpus =
                read(plan(Mixing.CONCAT, file(), file()), chats("x", 2), chats("y", 3))) {
            assertThat(texts(corpus.rows())).containsExactly("x0", "x1", "y0", "y1", "y2");
            assertThat(corpus.stats().rows()).isEqualTo(5);
        }
    }

    @Test
    void interleavingRepeatsShortFilesOrStopsWithThem() throws IOException {
        Path x = chats("x", 1);
        Path y = chats("y", 3);
        try (Corpus over = read(plan(Mixing.INTERLEAVE_OVER, file(), file()), x, y);
                Corpus under = read(plan(Mixing.INTERLEAVE_UNDER, file(), file()), x, y)) {
            assertThat(texts(over.rows())).containsExactly("x0", "y0", "x0", "y1", "x0", "y2");
            assertThat(texts(under.rows())).containsExactly("x0", "y0");
        }
    }

    @Test
    void sharesDecideByLotAndTheSeedRepeatsThem() throws IOException {
        DataPlan plan = plan(Mixing.INTERLEAVE_UNDER, weighed(3), weighed(1));
        Path x = chats("x", 90);
        Path y = chats("y", 90);
        try (Corpus first = read(plan, x, y);
                Corpus second = read(plan, x, y)) {
            List<String> texts = texts(first.rows());
            long ofX = texts.stream().filter(text -> text.startsWith("x")).count();
            assertThat((double) ofX / texts.size()).isBetween(0.65, 0.85);
            assertThat(texts(second.rows())).isEqualTo(texts);
        }
    }

    @Test
    void takesSamplesByLotAndTheFirstOfThem() throws IOException {
        DataFile drawn = new DataFile(FILE, null, 5, 4, null, Reading.RECOGNISED);
        try (Corpus corpus = read(plan(Mixing.CONCAT, drawn), chats("x", 3))) {
            assertThat(texts(corpus.rows())).hasSize(4).contains("x0", "x1", "x2");
        }
    }

    @Test
    void readsColumnsAndTagsThatAreNamed() throws IOException {
        Path file = folder.resolve("talk.jsonl");
        Files.writeString(
                file,
                """
                {"talk":[{"who":"me","what":"q"},{"who":"it","what":"r"}]}
                """);
        Reading reading =
                new Reading(
                        null,
                        Shape.SHAREGPT,
                        false,
                        Map.of("messages", "talk"),
                        Map.of(
                                "role_tag",
                                "who",
                                "content_tag",
                                "what",
                                "user_tag",
                                "me",
                                "assistant_tag",
                                "it"),
                        null);
        try (Corpus corpus = read(plan(Mixing.CONCAT, file(reading)), file)) {
            assertThat(corpus.problems()).isEmpty();
            assertThat(texts(corpus.rows())).containsExactly("r");
        }
    }

    @Test
    void aWrongShapeIsRefusedWithWhatWasFound() throws IOException {
        Reading alpaca = new Reading(null, Shape.SHAREGPT, false, null, null, null);
        try (Corpus corpus = read(plan(Mixing.CONCAT, file(alpaca)), chats("x", 3))) {
            assertThat(corpus.problems())
                    .extracting(Problem::message)
                    .singleElement()
                    .asString()
                    .contains("format sharegpt was asked for", "found openai: 3 of them");
        }
    }

    @Test
    void saysWhatItTookAFileFor() throws IOException {
        try (Corpus corpus = read(plan(Mixing.CONCAT, file()), chats("x", 3))) {
            assertThat(corpus.notes().getFirst())
                    .contains("json lines with openai rows", "3 of the first 3", "confidence 1.00");
        }
    }

    @Test
    void readsTextsThatWereWrittenAsChatMl() throws IOException {
        Path file = folder.resolve("chatml.jsonl");
        Files.writeString(
                file,
                """
                {"text":"<|im_start|>user\\nq<|im_end|>\\n<|im_start|>assistant\\nr<|im_end|>"}
                """);
        try (Corpus corpus = read(plan(Mixing.CONCAT, file()), file)) {
            assertThat(texts(corpus.rows())).containsExactly("r");
        }
    }

    @Test
    void aPlainTextHoldsDocumentsByLineByParagraphOrAsAWhole() throws IOException {
        Path file = folder.resolve("book");
        Files.writeString(file, "One.\nTwo.\n\nThree.\n");
        for (Chunk chunk : Chunk.values()) {
            Reading reading = new Reading(null, null, false, null, null, chunk);
            try (Corpus corpus = read(Method.PRETRAIN, plan(Mixing.CONCAT, file(reading)), file)) {
                assertThat(corpus.rows().rows())
                        .isEqualTo(chunk == Chunk.LINE ? 3 : chunk == Chunk.PARAGRAPH ? 2 : 1);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Likeness.class)
    void rowsThatRepeatOthersAreLeftOut(Likeness likeness) throws IOException {
        DataPlan plan =
                new DataPlan(
                        List.of(file(), file()),
                        Mixing.CONCAT,
                        null,
                        RowOrder.GIVEN,
                        null,
                        likeness);
        try (Corpus corpus = read(plan, chats("x", 2), chats("x", 3))) {
            assertThat(texts(corpus.rows())).hasSize(3);
            assertThat(String.join(" ", corpus.notes())).contains("2 rows that repeat others");
        }
    }

    @Test
    void ordersRowsByLengthAndByAColumn() throws IOException {
        Path file = folder.resolve("levels.jsonl");
        Files.writeString(
                file,
                chat("a long long long answer", ",\"level\":2")
                        + chat("b", ",\"level\":3")
                        + chat("c c c", ",\"level\":-1"));
        DataPlan byColumn =
                new DataPlan(List.of(), Mixing.CONCAT, null, RowOrder.BY_COLUMN, "level", null);
        try (Corpus corpus = read(byColumn, file)) {
            assertThat(texts(corpus.rows().ordered(RowOrder.BY_COLUMN)))
                    .containsExactly("c c c", "a long long long answer", "b");
            for (RowOrder order : List.of(RowOrder.BY_LENGTH, RowOrder.GROUPED_BY_LENGTH)) {
                assertThat(texts(corpus.rows().ordered(order)))
                        .containsExactly("b", "c c c", "a long long long answer");
            }
            assertThat(texts(corpus.rows().ordered(RowOrder.GIVEN)))
                    .containsExactly("a long long long answer", "b", "c c c");
        }
    }

    private Path written(String name, String content) throws IOException {
        return Files.writeString(folder.resolve(name), content.replace('\'', '"'));
    }

    /// The trained texts of the rows of a file, with the value of the first document of each.
    private List<String> trained(Method method, Path file) throws IOException {
        try (Corpus corpus = read(method, plan(Mixing.CONCAT, file()), file)) {
            assertThat(corpus.problems()).isEmpty();
            RowChoice rows = corpus.rows();
            List<String> texts = new ArrayList<>(texts(rows));
            for (int row = 0; row < rows.rows(); row++) {
                float value = rows.sample(new Packing.Piece(row, 0, rows.lengths()[row])).value();
                texts.set(row, texts.get(row) + " " + (int) value);
            }
            return texts;
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            textBlock =
                    """
                    kto.jsonl | {'conversations':[{'from':'human','value':'q'},{'from':'gpt','value':'r'}],'kto_tag':true}
                    kto2.jsonl | {'conversations':[{'from':'human','value':'q'},{'from':'gpt','value':'r'}],'kto_tag':'1'}
                    kto.csv | instruction,output,kto_tag;q,r,True
                    kto2.csv | instruction,output,kto_tag;q,r,1
                    trl.csv | prompt,completion,label;q,r,true
                    trl2.csv | prompt,completion,label;q,r,1
                    trl3.csv | messages,kto_tag;"[{""role"":""user"",""content"":""q""},{""role"":""assistant"",""content"":""r""}]",true
                    """)
    void verdictsAreReadFromEveryLayout(String name, String content) throws IOException {
        String text = content.replace(';', '\n');
        String other = text.replaceAll("(?i)true", "false").replaceAll("'1'|1$", "'0'");
        String rows = other.contains("\n") ? text + other.substring(other.indexOf('\n')) : text;
        assertThat(trained(Method.KTO, written(name, rows))).startsWith("r 1");
        Path second = written("second-" + name, other);
        assertThat(trained(Method.KTO, second)).containsExactly("r 0");
    }

    @Test
    void aCellThatIsNoVerdictIsNamedByItsRow() throws IOException {
        String text = "instruction,output,kto_tag\nq,r,true\nq,r,maybe\n";
        Path file = written("maybe.csv", text);
        try (Corpus corpus = read(Method.KTO, plan(Mixing.CONCAT, file()), file)) {
            assertThat(corpus.problems())
                    .extracting(Problem::text)
                    .containsExactly("line 2: kto_tag is neither true nor false");
        }
    }

    @Test
    void sharegptHoldsPairsToo() throws IOException {
        Path file =
                written(
                        "pairs.jsonl",
                        "{'conversations':[{'from':'human','value':'q'}],"
                                + "'chosen':{'from':'gpt','value':'good'},"
                                + "'rejected':{'from':'gpt','value':'bad'}}\n");
        try (Corpus corpus = read(Method.DPO, plan(Mixing.CONCAT, file()), file)) {
            assertThat(corpus.problems()).isEmpty();
            assertThat(corpus.notes().getFirst()).contains("sharegpt rows");
            assertThat(corpus.rows().rows()).isEqualTo(1);
            assertThat(texts(corpus.rows())).containsExactly("good", "bad");
        }
    }

    @Test
    void ordersRowsByTheCellsOfATable() throws IOException {
        DataPlan byColumn =
                new DataPlan(List.of(), Mixing.CONCAT, null, RowOrder.BY_COLUMN, "level", null);
        String table = "instruction,output,level\nq,b,2.5\nq,c,1e1\nq,a,-1\n";
        try (Corpus corpus = read(byColumn, written("levels.csv", table))) {
            assertThat(texts(corpus.rows().ordered(RowOrder.BY_COLUMN)))
                    .containsExactly("a", "b", "c");
        }
        try (Corpus corpus = read(byColumn, written("high.csv", table.replace("1e1", "high")))) {
            assertThat(corpus.problems())
                    .extracting(Problem::line, Problem::param)
                    .containsExactly(tuple(2L, "level"));
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            textBlock =
                    """
                    {'prompt':[{'role':'user','content':'p'},{'role':'assistant','content':'q'},{'role':'user','content':'p'}],'completion':[{'role':'assistant','content':'r'}]}
                    {'prompt':'p','completion':[{'role':'assistant','content':'r'}]}
                    {'prompt':'p','completion':'r'}
                    """)
    void ofPromptAndCompletionOnlyTheCompletionIsTrained(String row) throws IOException {
        assertThat(trained(Method.SUPERVISED, written("trl.jsonl", row + "\n")))
                .containsExactly("r 0");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'prompt':'p'}",
                "{'prompt':[{'role':'system','content':'s'},{'role':'user','content':'p'}]}",
                "{'instruction':'p'}",
                "{'conversations':[{'from':'human','value':'p'}]}",
                "{'conversations':[{'from':'human','value':'a'},{'from':'gpt','value':'b'},{'from':'human','value':'p'}]}"
            })
    void aPromptAloneIsForMethodsThatAnswerIt(String row) throws IOException {
        Path file = written("prompts.jsonl", row + "\n");
        for (Method method : List.of(Method.GRPO, Method.PPO)) {
            try (Corpus corpus = read(method, plan(Mixing.CONCAT, file()), file)) {
                assertThat(corpus.problems()).isEmpty();
                assertThat(corpus.items()).singleElement().asString().contains("p");
                assertThat(corpus.rows().rows()).isEqualTo(1);
            }
        }
        try (Corpus corpus = read(Method.SUPERVISED, plan(Mixing.CONCAT, file()), file)) {
            assertThat(corpus.problems())
                    .extracting(Problem::line, Problem::param)
                    .containsExactly(tuple(1L, "completion"));
        }
    }

    /// Kills: prompts whose other columns no grader can read, because their layout has no place for
    /// them.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'instruction':'p','solution':'s'}",
                "{'conversations':[{'from':'human','value':'p'}],'solution':'s'}",
                "{'talk':[{'role':'user','content':'p'}],'solution':'s'}",
                "{'talk':[{'role':'user','content':'p'}],'solution':'s','tools':'[]'}"
            })
    void aGraderReadsAllColumnsOfAPrompt(String row) throws IOException {
        Path file = written("prompts.jsonl", row + "\n");
        Reading reading =
                row.contains("talk")
                        ? new Reading(
                                null, Shape.OPENAI, false, Map.of("messages", "talk"), null, null)
                        : Reading.RECOGNISED;
        try (Corpus corpus = read(Method.GRPO, plan(Mixing.CONCAT, file(reading)), file)) {
            assertThat(corpus.problems()).isEmpty();
            assertThat(corpus.items()).singleElement().extracting("solution").isEqualTo("s");
        }
    }

    @Test
    void weightsUnderColumnsAndTagsCount() throws IOException {
        Path file =
                written(
                        "weighed.jsonl",
                        "{'messages':[{'role':'user','content':'p'},"
                                + "{'role':'assistant','content':'no','weight':0},"
                                + "{'role':'user','content':'p'},"
                                + "{'role':'assistant','content':'yes','weight':1}]}\n");
        Reading reading =
                new Reading(
                        null,
                        Shape.SHAREGPT,
                        false,
                        Map.of("messages", "messages"),
                        Map.of(
                                "role_tag", "role",
                                "content_tag", "content",
                                "user_tag", "user",
                                "assistant_tag", "assistant"),
                        null);
        try (Corpus corpus = read(plan(Mixing.CONCAT, file(reading)), file)) {
            assertThat(corpus.problems()).isEmpty();
            assertThat(texts(corpus.rows())).containsExactly("yes");
        }
    }

    @Test
    void equalRowsStayOnOneSideOfTheSplit() throws IOException {
        DataPlan twice = plan(Mixing.CONCAT, file(), file());
        Path x = chats("x", 40);
        try (Corpus corpus = read(twice, x, x)) {
            RowChoice.Divided divided = corpus.rows().divided(0.2, 1);
            List<String> out = texts(divided.heldOut());
            assertThat(out).isNotEmpty();
            assertThat(texts(divided.training())).doesNotContainAnyElementsOf(out);
        }
    }

    @Test
    void tokensThatWereKeptAreTakenForEveryLengthThatTheyFit() throws IOException {
        Path file = chats("a word or more ", 3);
        try (Corpus first = read(Method.SUPERVISED, 1000, file);
                Corpus shorter = read(Method.SUPERVISED, 500, file);
                Corpus cut = read(Method.SUPERVISED, first.stats().longest() - 1, file)) {
            assertThat(String.join(" ", cut.notes())).doesNotContain("tokenised before");
            assertThat(String.join(" ", shorter.notes())).contains("tokenised before");
            assertThat(shorter.stats()).isEqualTo(first.stats());
            assertThat(texts(shorter.rows())).isEqualTo(texts(first.rows()));
            assertThat(cut.rows().rows()).isEqualTo(3);
        }
    }

    @Test
    void anotherTemplateHasTokensOfItsOwn() throws IOException {
        Path file = chats("x", 3);
        read(Method.SUPERVISED, 1000, file).close();
        Files.writeString(
                model.resolve("chat_template.jinja"),
                "{%- for m in messages -%}{{ m.content }}{%- endfor -%}");
        read(Method.SUPERVISED, 1000, file).close();

        assertThat(kept.found).isZero();
    }

    /// Kills: tokens of a table that are taken for those of a text with the same bytes.
    @Test
    void theSameBytesUnderAnotherNameHaveTokensOfTheirOwn() throws IOException {
        Path table = written("same.csv", "text\none\ntwo\n");
        Path text = written("same.txt", "text\none\ntwo\n");
        try (Corpus first = read(Method.PRETRAIN, 1000, table);
                Corpus second = read(Method.PRETRAIN, 1000, text)) {
            assertThat(first.stats().rows()).isEqualTo(2);
            assertThat(second.stats().rows()).isEqualTo(3);
            assertThat(first.notes().getFirst()).startsWith("same.csv is csv");
        }
    }

    private static DataPlan plan(Mixing mixing, DataFile... files) {
        return new DataPlan(List.of(files), mixing, null, RowOrder.GIVEN, null, null);
    }

    private static DataFile file() {
        return DataFile.whole(FILE);
    }

    private static DataFile weighed(double weight) {
        return new DataFile(FILE, weight, null, null, null, Reading.RECOGNISED);
    }

    private static DataFile file(Reading reading) {
        return new DataFile(FILE, null, null, null, null, reading);
    }

    private Path chats(String name, int rows) throws IOException {
        Path file = folder.resolve(name + rows + ".jsonl");
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < rows; i++) {
            text.append(chat(name + i, ""));
        }
        Files.writeString(file, text);
        return file;
    }

    private static String chat(String answer, String more) {
        return """
        {"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"%s"}]%s}
        """
                .formatted(answer, more);
    }

    private Corpus read(DataPlan plan, Path... files) throws IOException {
        return read(Method.SUPERVISED, plan, files);
    }

    private Corpus read(Method method, DataPlan plan, Path... files) throws IOException {
        return read(method, 1000, plan, ShardStore.NONE, files);
    }

    private Corpus read(Method method, int lengthMax, Path file) throws IOException {
        return read(method, lengthMax, plan(Mixing.CONCAT, file()), kept, file);
    }

    private Corpus read(
            Method method, int lengthMax, DataPlan plan, ShardStore store, Path... files)
            throws IOException {
        var options =
                new DatasetTokenizer.Options(
                        method, lengthMax, Overflow.TRUNCATE, TrainedTurns.ANSWERS, 3);
        List<CorpusFile> sources = new ArrayList<>();
        for (int i = 0; i < files.length; i++) {
            RowSource source = RowSource.of(files[i]);
            sources.add(
                    plan.files().isEmpty()
                            ? CorpusFile.whole(source, "file " + i, Reading.RECOGNISED)
                            : CorpusFile.of(source, plan.files().get(i)));
        }
        Path room = Files.createDirectory(folder.resolve("room" + corpora++));
        try (DatasetTokenizer tokenizer =
                DatasetTokenizer.of(ModelDirectory.open(model), options)) {
            return Corpus.read(tokenizer, sources, plan, 7, room, store);
        }
    }

    /// The trained texts of rows.
    private List<String> texts(RowChoice rows) {
        List<String> texts = new ArrayList<>();
        try (Tokenizer tokenizer = Tokenizer.open(model.resolve("tokenizer.json"))) {
            int[] lengths = rows.lengths();
            for (int row = 0; row < lengths.length; row++) {
                Sample sample = rows.sample(new Packing.Piece(row, 0, lengths[row]));
                int[] trained = new int[sample.length()];
                int count = 0;
                for (int i = 0; i < sample.length(); i++) {
                    if (sample.weights()[i] > 0) {
                        trained[count++] = sample.ids()[i];
                    }
                }
                String text = tokenizer.decode(Arrays.copyOf(trained, count), true);
                texts.add(text.replace(";", ""));
            }
        }
        return texts;
    }
}
