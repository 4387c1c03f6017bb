package dev.tunesmith.engine.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.text.vocabulary.Splits;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The way around the library gives what the library gives.
class ShortcutTest {

    private static final Path QWEN =
            Path.of("..", "golden/text/tokenizers/qwen2_byte_bpe/tokenizer.json");
    private static final String[] PARTS = {
        "a",
        "B",
        "he",
        "Llo",
        "é",
        "ß",
        "你好",
        "ﬀ",
        "ſ",
        "İ",
        "1",
        "23",
        "½",
        "٣",
        " ",
        "  ",
        "\t",
        "\n",
        "\r\n",
        "\u00a0",
        "\u2009",
        "\u3000",
        "'",
        "'s",
        "'LL",
        "'Re",
        "’s",
        ".",
        ",,",
        "(",
        "==",
        "😀",
        "👍🏽",
        "🇩🇪",
        "e\u0301",
        "\u0301",
        "한국",
        "<|im_end|>",
        "<|endoftext|>",
        "<",
        "|",
        "<tool_call>",
        "\u0000",
        "\ud800",
        "_",
        "-",
        "\u200d",
        "Ω",
        "я",
        "ー",
        "ｱ",
        "\u1680",
        "ⅷ",
        "ế",
        "e\u0302\u0301",
        "e\u0323",
        "→",
        "✓",
        "¼",
        "₂",
        "K",
        "™",
        "﹏",
        "Ⓐ"
    };

    @ParameterizedTest
    @ValueSource(strings = {"qwen2", "llama-bpe", "gpt-2"})
    void madeUpTextsHaveTheTokensOfTheLibrary(String name) {
        Map<String, Object> tree = tree(name);
        Shortcut way = Shortcut.of(tree, Vocabulary.of(QWEN, tree)).orElseThrow();
        SplittableRandom random = new SplittableRandom(1);
        int taken = 0;
        try (Tokenizer tokenizer = Tokenizer.of(QWEN, tree)) {
            for (int i = 0; i < 4000; i++) {
                String text = text(random);
                for (SpecialText special : SpecialText.values()) {
                    Optional<int[]> ids = way.encode(text, special);
                    taken += ids.isPresent() ? 1 : 0;
                    assertThat(ids.orElse(tokenizer.encodeWithOffsets(text, special).ids()))
                            .as(Arrays.toString(text.toCharArray()))
                            .isEqualTo(tokenizer.encodeWithOffsets(text, special).ids());
                }
                assertThat(tokenizer.encodeWithAdded(text, SpecialText.PARSED))
                        .isEqualTo(
                                tokenizer
                                        .encodeWithAddedAndOffsets(text, SpecialText.PARSED)
                                        .ids());
            }
        }
        assertThat(taken).isGreaterThan(1000);
    }

    /// The same vocabulary with the words of another family.
    private static Map<String, Object> tree(String name) {
        Map<String, Object> tree = new LinkedHashMap<>(JsonTree.read(QWEN));
        List<Map<String, Object>> steps = Splits.ofGguf(name).orElseThrow().steps();
        tree.put(
                "pre_tokenizer",
                steps.size() == 1
                        ? steps.getFirst()
                        : Map.of("type", "Sequence", "pretokenizers", steps));
        if (Splits.takesWholeWords(name) && tree.get("model") instanceof Map<?, ?> model) {
            Map<Object, Object> whole = new LinkedHashMap<>(model);
            whole.put("ignore_merges", true);
            tree.put("model", whole);
        }
        if (!Splits.composes(name)) {
            tree.put("normalizer", null);
        }
        return tree;
    }

    private static String text(SplittableRandom random) {
        StringBuilder text = new StringBuilder();
        for (int parts = random.nextInt(1, 12); parts > 0; parts--) {
            text.append(PARTS[random.nextInt(PARTS.length)]);
        }
        return text.toString();
    }
}
