package dev.tunesmith.engine.text.vocabulary;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// How text is cut into words before merges, by the names under which it is known.
///
/// The regular expressions are those of the models; where one has possessive quantifiers, a plain
/// form that matches the same stands here.
public final class Splits {
    private static final String ENDINGS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private static final String SIGNS_AND_BLANKS =
            " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private static final String SIGNS_SLASHES_AND_BLANKS =
            " ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private static final String UPPER = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
    private static final String LOWER = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
    private static final String CASED =
            "[^\\r\\n\\p{L}\\p{N}]?%1$s*%2$s+%3$s|[^\\r\\n\\p{L}\\p{N}]?%1$s+%2$s*%3$s|";

    /// Single digits (Qwen 2).
    public static final String DIGITS_ALONE =
            ENDINGS + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|" + SIGNS_AND_BLANKS;

    /// Up to three digits (Llama 3).
    public static final String THREE_DIGITS =
            ENDINGS + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|" + SIGNS_AND_BLANKS;

    /// The same, but blanks at the end of a text stay together (cl100k of tiktoken).
    static final String THREE_DIGITS_AND_END =
            ENDINGS
                    + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
                    + "|\\s+\\z|\\s*[\\r\\n]|\\s+(?!\\S)|\\s";

    /// Words end where small letters are followed by capital ones (o200k of tiktoken).
    public static final String CASES =
            CASED.formatted(UPPER, LOWER, ENDINGS + "?")
                    + "\\p{N}{1,3}|"
                    + SIGNS_SLASHES_AND_BLANKS;

    private static final String CASES_DIGITS_ALONE =
            CASED.formatted(UPPER, LOWER, "") + "\\p{N}|" + SIGNS_SLASHES_AND_BLANKS;

    private static final String SENTENCES = " ?[^(\\s|.,!?…。，、।۔،)]+";
    private static final String ASCII_SIGN_AND_WORD =
            "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+"
                    + "|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+";

    private static final String[] DEEPSEEK = {
        "\\p{N}{1,3}",
        "[一-龥぀-ゟ゠-ヿ]+",
        ASCII_SIGN_AND_WORD + "| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
    };

    private static final String PLAIN_WORDS =
            "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)";

    /// What llama.cpp does with a vocabulary whose split nobody has named.
    private static final String[] UNNAMED = {
        "[\\p{P}\\$\\+<=>\\^~\\|]+", PLAIN_WORDS, "\\p{N}+", "[0-9][0-9][0-9]"
    };

    private static final String[] FALCON = {
        "[\\p{P}\\$\\+<=>\\^~\\|`]+", PLAIN_WORDS, "[0-9][0-9][0-9]"
    };
    private static final String[] DEEPSEEK_CODER = {
        "[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", "[一-龥ࠀ-一가-퟿]+", "\\p{N}"
    };

    /// Letters with a case, as far as DeepSeek's first models know them.
    private static final String CASED_LETTERS =
            "0041-005A 0061-007A 00B5 00C0-00D6 00D8-00F6 00F8-01BA 01BC-01BF 01C4-0293 "
                    + "0295-02AF 0370-0373 0376 0377 037B-037D 037F 0386 0388-038A 038C 038E-03A1 "
                    + "03A3-03F5 03F7-0481 048A-052F 0531-0556 10A0-10C5 13A0-13F5 13F8-13FD "
                    + "1C90-1CBA 1CBD-1CBF 1D00-1D2B 1D6B-1D77 1D79-1D9A 1E00-1F15 1F18-1F1D "
                    + "1F20-1F45 1F48-1F4D 1F50-1F57 1F59 1F5B 1F5D 1F5F-1F7D 1F80-1FB4 1FB6-1FBC "
                    + "1FBE 1FC2-1FC4 1FC6-1FCC 1FD0-1FD3 1FD6-1FDB 1FE0-1FEC 1FF2-1FF4 1FF6-1FFC "
                    + "2102 2107 210A-2113 2115 2119-211D 2124 2126 2128 212A-212D 212F-2134 2139 "
                    + "213C-213F 2145-2149 214E 2183 2184 2C00-2C7B 2C7E-2CE4 2CEB-2CEE 2CF2 2CF3 "
                    + "A640-A66D A680-A69B A722-A76F A771-A787 A78B-A78E AB70-ABBF FB00-FB06 "
                    + "FB13-FB17 FF21-FF3A FF41-FF5A 10400-1044F 104B0-104D3 104D8-104FB 10C80-10CB2 "
                    + "10CC0-10CF2 118A0-118DF 1E900-1E943";

    private static final String[] DEEPSEEK_LLM = {
        "[\\r\\n]",
        "\\s?[" + ranges(CASED_LETTERS) + "]+",
        "\\s?[!-/:-~！-／：-～‘-‟\\x{3000}-。]+",
        "\\s+\\z",
        "[一-龥ࠀ-一가-퟿]+",
        "\\p{N}+"
    };

    private static final String[] SPARK = {
        "\\p{N}{1,3}",
        "[一-龥぀-ゟ゠-ヿ]+",
        ASCII_SIGN_AND_WORD + "| ?[\\p{P}\\p{S}]+|[\\r\\n]|\\s+(?!\\S)|\\s+",
        "\\p{N}"
    };

    /// With [#CASES] behind them what `\d{1,3}(?=(?:\d{3})*\b)` cuts, without looking for the end
    /// of a run from each of its digits.
    private static final String WORDS_OF_DIGITS = "(?<!\\d)\\d++\\b";

    private static final String HEAD_OF_THREES = "\\A\\d{1,2}(?=(?:\\d{3})+\\z)";

    /// Digits in threes, counted from the right; a run is looked through once.
    private static final String THREES_FROM_RIGHT =
            "(?<!\\p{N})\\p{N}{1,2}(?=(?:\\p{N}{3})+(?!\\p{N}))|\\p{N}{1,3}";

    private static final String[] AFMOE = {
        THREES_FROM_RIGHT,
        "[一-鿿㐀-䶿豈-\\x{FAFF}぀-ゟ゠-ヿ･-ﾟ⼀-\\x{2FDF}เ-\\x{E7F}\\x{E80}-\\x{EFF}ក-\\x{17FF}က-႟ꩠ-ꩿꧠ-\\x{A9FF}가-\\x{D7AF}ᄀ-ᇿ]+",
        DEEPSEEK[2]
    };

    private static final String[] YOUTU = {
        "[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥぀-ゟ゠-ヿ]+",
        CASED.formatted(UPPER, LOWER, ENDINGS + "?") + "\\p{N}|" + SIGNS_SLASHES_AND_BLANKS
    };

    /// Runs of blanks in powers of two (Jais 2).
    private static final String BLANKS_IN_POWERS =
            ENDINGS
                    + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
                    + "|\\s*[\\r\\n]+|\\s{512}(?!\\S)|\\s{256}(?!\\S)|\\s{128}(?!\\S)|\\s{64}(?!\\S)"
                    + "|\\s{32}(?!\\S)|\\s{16}(?!\\S)|\\s{8}(?!\\S)|\\s{4}(?!\\S)|\\s{1,2}(?!\\S)|\\s";

    /// Line feeds are no part of the signs before them (Seed-Coder).
    private static final String SIGNS_BEFORE_LINES =
            ENDINGS
                    + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}\\r\\n]+"
                    + "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

    /// Lines apart from the ends of lines.
    public static final String LINES = "[^\\n]+|\\n+";

    private static final String[] CHAMELEON = {
        "<sentinel:[0-9]+>",
        "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z",
        "([\\t\\n]|    |  )",
        "\\p{N}",
        "[\\p{P}!-/:-@\\[-`{-~]",
        PLAIN_WORDS
    };

    /// Marks belong to the letters before them (Qwen 3.5).
    private static final String MARKED_LETTERS =
            ENDINGS
                    + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*"
                    + "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

    /// Several words with blanks between them are cut at none of these (EXAONE).
    private static final String WORDS_TOGETHER =
            ENDINGS
                    + "|[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\p{N}"
                    + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+";

    private static final String NO_HAN_UPPER = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}&&[^\\p{Han}]]";
    private static final String NO_HAN_LOWER = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}&&[^\\p{Han}]]";

    /// Chinese characters apart from all others (Kimi).
    private static final String HAN_APART =
            "[\\p{Han}]+|"
                    + CASED.formatted(NO_HAN_UPPER, NO_HAN_LOWER, ENDINGS + "?")
                    + "\\p{N}{1,3}|"
                    + SIGNS_AND_BLANKS;

    /// The way of GPT-2, which the byte-level step has built in.
    private static final Cut GPT2 = new Cut(List.of(TokenizerTree.byteLevel(true)));

    private static final List<String> COMMON = List.of("gpt-2", "llama-bpe", "qwen2", "smollm");

    /// Names of Llama 3's way, whose models take a word that is a token as it is.
    private static final List<String> WHOLE_WORDS =
            List.of(
                    "llama-bpe",
                    "llama3",
                    "llama-v3",
                    "falcon3",
                    "falcon-h1",
                    "pixtral",
                    "midm-2.0",
                    "lfm2",
                    "jina-v5-nano");

    /// Other names whose models do so.
    private static final List<String> MORE_WHOLE_WORDS =
            List.of("minicpm5", "tekken", "youtu", "granite-embed-multi-97m");

    private static final Map<String, Cut> BY_GGUF_NAME = byGgufName();

    private Splits() {}

    /// The steps of a pre-tokenizer, the last of which writes bytes as characters.
    public record Cut(List<Map<String, Object>> steps) {
        public Cut {
            steps = List.copyOf(steps);
        }

        /// Regular expressions that cut one after another.
        static Cut by(String... regexes) {
            List<Map<String, Object>> steps = new ArrayList<>();
            for (String regex : regexes) {
                steps.add(TokenizerTree.split(regex));
            }
            steps.add(TokenizerTree.byteLevel(false));
            return new Cut(steps);
        }

        /// The step of a `tokenizer.json`.
        Map<String, Object> step() {
            return steps.size() == 1
                    ? steps.getFirst()
                    : TokenizerTree.step("Sequence", "pretokenizers", steps);
        }
    }

    private static Map<String, Cut> byGgufName() {
        Map<String, Cut> cuts = new TreeMap<>();
        put(cuts, GPT2, "gpt-2", "gpt2", "olmo", "jais", "mpt", "phi-2", "trillion", "exaone4");
        put(cuts, GPT2, "jina-v1-en", "jina-v2-code", "jina-v2-de", "jina-v2-es", "roberta-bpe");
        put(cuts, GPT2, "a.x-4.0", "gigachat", "granite-docling", "mellum", "modern-bert");
        put(cuts, GPT2, "jina-es", "jina-de");
        put(cuts, Cut.by(THREE_DIGITS), WHOLE_WORDS.toArray(String[]::new));
        put(cuts, Cut.by(THREE_DIGITS), "dbrx", "smaug-bpe", "chatglm-bpe", "glm4");
        put(cuts, Cut.by("\\p{N}{1,3}", THREE_DIGITS), "minicpm5");
        put(cuts, Cut.by(BLANKS_IN_POWERS), "jais-2");
        put(cuts, Cut.by(SIGNS_BEFORE_LINES), "seed-coder");
        put(cuts, Cut.by(DIGITS_ALONE.substring(ENDINGS.length() + 1)), "ufakzeka");
        put(cuts, Cut.by(LINES, DIGITS_ALONE), "laguna");
        put(
                cuts,
                Cut.by(DIGITS_ALONE),
                "qwen2",
                "stablelm2",
                "hunyuan",
                "megrez",
                "deepseek-r1-qwen",
                "bailingmoe",
                "bailingmoe2",
                "llada-moe",
                "grok-2",
                "kormo",
                "f2llmv2",
                "solar-open");
        put(
                cuts,
                new Cut(
                        List.of(
                                TokenizerTree.step("Digits", "individual_digits", true),
                                TokenizerTree.byteLevel(true))),
                "starcoder",
                "refact",
                "command-r",
                "smollm",
                "codeshell",
                "exaone",
                "mellum2",
                "minerva-7b");
        putRare(cuts);
        return Map.copyOf(cuts);
    }

    private static void putRare(Map<String, Cut> cuts) {
        put(cuts, Cut.by(THREE_DIGITS_AND_END), "cl100k");
        put(cuts, Cut.by(CASES), "gpt-4o", "llama4", "kanana2", "minimax-m2", "talkie");
        put(cuts, Cut.by(CASES), "granite-embed-multi-97m");
        put(cuts, Cut.by(WORDS_OF_DIGITS, HEAD_OF_THREES, CASES), "tiny_aya", "cohere2moe");
        put(cuts, Cut.by(CASES_DIGITS_ALONE), "tekken");
        put(
                cuts,
                Cut.by(DEEPSEEK),
                "deepseek-v3",
                "deepseek-r1",
                "hunyuan-dense",
                "joyai-llm",
                "hy_v4");
        put(cuts, Cut.by(DEEPSEEK_LLM), "deepseek-llm");
        put(cuts, Cut.by(SPARK), "spark2_5");
        put(cuts, Cut.by(AFMOE), "afmoe");
        put(cuts, Cut.by(YOUTU), "youtu");
        put(cuts, Cut.by(DEEPSEEK_CODER), "deepseek-coder");
        put(cuts, Cut.by(UNNAMED), "default");
        put(cuts, Cut.by(FALCON), "falcon");
        put(cuts, Cut.by(CHAMELEON), "chameleon");
        put(cuts, Cut.by(MARKED_LETTERS), "qwen35");
        put(cuts, Cut.by(WORDS_TOGETHER), "exaone-moe");
        put(cuts, Cut.by(HAN_APART), "kimi-k2");
        put(cuts, Cut.by("\\p{N}+", "(?=(\\d{3})+(?!\\d))"), "superbpe");
        put(cuts, Cut.by(SENTENCES), "bloom", "poro-chat", "gpt3-finnish");
        put(cuts, Cut.by(SENTENCES, "\\p{N}"), "viking");
    }

    /// A list of code points and of ranges of them, as an expression has it between brackets.
    private static String ranges(String hexadecimal) {
        return hexadecimal.replaceAll("[0-9A-F]+", "\\\\x{$0}").replace(" ", "");
    }

    private static void put(Map<String, Cut> cuts, Cut cut, String... names) {
        for (String name : names) {
            cuts.put(name, cut);
        }
    }

    /// The cut that files of llama.cpp call by that name.
    public static Optional<Cut> ofGguf(String name) {
        return Optional.ofNullable(BY_GGUF_NAME.get(name));
    }

    /// The name of a pre-tokenizer of a `tokenizer.json` in files of llama.cpp, if it has one.
    public static Optional<String> ggufName(@Nullable Object preTokenizer) {
        if (preTokenizer == null) {
            return Optional.empty();
        }
        return Stream.concat(COMMON.stream(), BY_GGUF_NAME.keySet().stream().sorted())
                .filter(name -> {
                    Cut cut = BY_GGUF_NAME.get(name);
                    return cut != null && same(cut.step(), preTokenizer);
                })
                .findFirst();
    }

    /// Whether two steps split alike; what becomes of offsets does not count.
    private static boolean same(Object one, Object other) {
        if (one instanceof Map<?, ?> a && other instanceof Map<?, ?> b) {
            return a.entrySet().stream()
                    .filter(entry -> !entry.getKey().equals("trim_offsets"))
                    .allMatch(entry -> {
                        Object found = b.get(entry.getKey());
                        return found != null && same(entry.getValue(), found);
                    });
        }
        if (one instanceof List<?> a && other instanceof List<?> b) {
            return a.size() == b.size()
                    && IntStream.range(0, a.size()).allMatch(i -> same(a.get(i), b.get(i)));
        }
        return one.equals(other);
    }

    /// Whether models with that split take a word that is a token as it is, before any merge.
    public static boolean takesWholeWords(String ggufName) {
        return WHOLE_WORDS.contains(ggufName) || MORE_WHOLE_WORDS.contains(ggufName);
    }

    /// All names that [#ofGguf] knows.
    public static Iterable<String> ggufNames() {
        return new TreeSet<>(BY_GGUF_NAME.keySet());
    }

    /// Whether models with that cut bring text to composed characters first.
    public static boolean composes(String ggufName) {
        return ggufName.equals("qwen2") || ggufName.equals("deepseek-r1-qwen");
    }
}
