package dev.tunesmith.engine.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.text.vocabulary.Splits;
import dev.tunesmith.engine.text.vocabulary.TokenizerTree;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Files that end the whole process inside the native library, found by mutations and by reading
/// it: each must be refused before it gets there. A failure here takes the test run with it.
final class HostileTokenizersTest {
    private static final Path FILE = Path.of("tokenizer.json");
    private static final String MODEL =
            "{'type':'BPE','unk_token':'<unk>','vocab':{'<unk>':0,'a':1,'b':2,'ab':3,' ':4},"
                    + "'merges':[['a','b']]}";

    private static Tokenizer opened(String part, String json) {
        Map<String, Object> tree = new LinkedHashMap<>(tree("{'model':%s}".formatted(MODEL)));
        tree.putAll(tree("{'%s':%s}".formatted(part, json)));
        return Tokenizer.of(FILE, tree);
    }

    private static Map<String, Object> tree(String json) {
        return JsonTree.parse(FILE, json.replace('\'', '"'));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            quoteCharacter = '`',
            value = {
                "post_processor~{'type':'TemplateProcessing','single':[{'SpecialToken':{'id':'X','type_id':0}}],'pair':[],'special_tokens':{}}~lacks X",
                "post_processor~{'type':'Sequence','processors':[{'type':'TemplateProcessing','single':[{'Sequence':{'id':'B','type_id':0}}],'pair':[],'special_tokens':{}}]}~not A",
                "post_processor~{'type':'TemplateProcessing','single':[],'pair':[],'special_tokens':{'X':{'id':'X','ids':[0,1],'tokens':['X']}}}~2 ids and 1 tokens",
                "post_processor~{'type':'BertProcessing','sep':['x',4000000000],'cls':['y',1]}~4000000000 is no id",
                "model~{'type':'BPE','continuing_subword_prefix':'##','vocab':{'a':0,'b':1,'ab':2},'merges':[['a','b']]}~goes on without ##",
                "model~{'type':'BPE','continuing_subword_prefix':'##','vocab':{'a':0,'b':1,'ab':2},'merges':['a b']}~goes on without ##",
                "model~{'type':'WordPiece','unk_token':'a','max_input_chars_per_word':99999999,'vocab':{'a':0}}~at most 10000",
                "pre_tokenizer~{'type':'Split','pattern':{'Regex':'(a+)+b'},'behavior':'Isolated','invert':false}~again and again",
                "pre_tokenizer~{'type':'Split','pattern':{'Regex':'(?:a|aa)+$b'},'behavior':'Isolated','invert':false}~again and again",
                "normalizer~{'type':'Replace','pattern':{'Regex':'( | )+x'},'content':''}~again and again",
                "decoder~{'type':'Sequence','decoders':[{'type':'Replace','pattern':{'Regex':'a*a*b'},'content':''}]}~again and again",
                "pre_tokenizer~{'type':'FixedLength','length':0}~above 0",
                "normalizer~{'type':'Precompiled','precompiled_charsmap':''}~damaged",
                "normalizer~{'type':'Precompiled','precompiled_charsmap':'!'}~no Base64",
            })
    void isRefusedBeforeTheLibrarySeesIt(String part, String json, String reason) {
        assertThatExceptionOfType(ModelFileException.class)
                .isThrownBy(() -> opened(part, json))
                .withMessageStartingWith("tokenizer.json: ")
                .withMessageContaining(reason);
    }

    /// Kills: each bound of the walk over a map.
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 255})
    void aMapThatLeadsOutsideOfItselfIsRefused(int units) {
        assertRefused(units, 0, 0);
        assertRefused(256, 0, 0x7FFFFF00);
        assertRefused(512, 97, 97 | 1 << 8); // a leaf whose replacement is not there
        assertThat(map(256, 0, 0)).isNotNull();
        opened("normalizer", step(map(256, 0, 0))).close();
    }

    private static void assertRefused(int units, int at, int unit) {
        assertThatExceptionOfType(ModelFileException.class)
                .isThrownBy(() -> opened("normalizer", step(map(units, at, unit))))
                .withMessageContaining("damaged");
    }

    private static String step(byte[] map) {
        return "{'type':'Precompiled','precompiled_charsmap':'%s'}"
                .formatted(Base64.getEncoder().encodeToString(map));
    }

    private static byte[] map(int units, int at, int unit) {
        ByteBuffer map = ByteBuffer.allocate(4 + 4 * units).order(ByteOrder.LITTLE_ENDIAN);
        map.putInt(4 * units);
        if (at < units) {
            map.putInt(4 + 4 * at, unit);
        }
        return map.array();
    }

    /// Kills: leaving `Strip` as it is, which fails on tokens that are nothing but its sign.
    @Test
    void strippingATokenToNothingIsNoFault() {
        String strip = "{'type':'Strip','content':' ','start':1,'stop':3}";
        try (Tokenizer tokenizer = opened("decoder", strip)) {
            assertThat(tokenizer.decode(new int[] {1, 4, 2}, false)).isEqualTo("ab");
            assertThat(tokenizer.decode(new int[] {4}, false)).isEmpty();
        }
    }

    /// Kills: taking what a published model cuts by for hostile.
    @Test
    void noPublishedExpressionIsRefused() {
        for (String name : Splits.ggufNames()) {
            Map<String, @Nullable Object> tree = new LinkedHashMap<>();
            tree.put("model", Map.of("type", "BPE", "vocab", Map.of("a", 0), "merges", List.of()));
            tree.put(
                    "pre_tokenizer",
                    TokenizerTree.step(
                            "Sequence",
                            "pretokenizers",
                            Splits.ofGguf(name).orElseThrow().steps()));
            Tokenizer.of(FILE, JsonTree.parse(FILE, JsonTree.text(tree))).close();
        }
    }

    /// Kills: calling it a damaged file when a text has no token.
    @Test
    void aTextWithoutTokensIsRefusedByName() {
        String words = "{'type':'WordLevel','unk_token':'none','vocab':{'a':0}}";
        try (Tokenizer tokenizer = opened("model", words)) {
            assertThat(tokenizer.encode("a", SpecialText.PARSED)).containsExactly(0);
            assertThatExceptionOfType(ModelFileException.class)
                    .isThrownBy(() -> tokenizer.encode("b", SpecialText.PARSED))
                    .withMessageContaining("cannot encode a text");
        }
    }
}
