package dev.tunesmith.engine.score;

import com.huaban.analysis.jieba.WordDictionary;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Cuts texts into words as Python's jieba does by default: the likeliest path through a
/// dictionary, and a hidden Markov model for what the dictionary lacks.
///
/// Dictionary and probabilities are those that `com.huaban:jieba-analysis` brings; its own cutter
/// differs in white space and letter case, so the algorithm is here.
///
/// Source: jieba 0.42.1, `jieba/__init__.py` and `jieba/finalseg`.
public final class ChineseWords {

    private static final Pattern BLOCK = Pattern.compile("([\u4E00-\u9FD5a-zA-Z0-9+#&._%\\-]+)");
    private static final Pattern SPACE =
            Pattern.compile("(\\r\\n|\\p{javaWhitespace}|\u0085|\u00A0)");
    private static final Pattern HAN = Pattern.compile("([\u4E00-\u9FD5]+)");
    private static final Pattern LATIN = Pattern.compile("([a-zA-Z0-9]+(?:\\.\\d+)?%?)");

    /// States of a character in a word: beginning, end, middle, single.
    private static final String STATES = "BEMS";

    private static final double NEVER = -3.14e100;
    private static final double[] START = {-0.26268660809250016, NEVER, NEVER, -1.4652633398537678};
    private static final double[][] STEP = {
        {NEVER, -0.510825623765990, -0.916290731874155, NEVER},
        {-0.5897149736854513, NEVER, NEVER, -0.8085250474669937},
        {NEVER, -0.33344856811948514, -1.2603623820268226, NEVER},
        {-0.7211965654669841, NEVER, NEVER, -0.6658631448798212}
    };
    private static final String[] BEFORE = {"ES", "BM", "BM", "ES"};

    private final Map<String, Double> frequencies = new HashMap<>();
    private final List<Map<Character, Double>> emissions = new ArrayList<>();
    private final double total;

    private ChineseWords() {
        double sum = 0;
        for (String line : lines("/dict.txt")) {
            String[] parts = line.split(" ");
            double frequency = Double.parseDouble(parts[1]);
            sum += frequency;
            frequencies.put(parts[0], frequency);
            for (int end = 1; end < parts[0].length(); end++) {
                frequencies.putIfAbsent(parts[0].substring(0, end), 0d);
            }
        }
        total = sum;
        STATES.chars().forEach(_ -> emissions.add(new HashMap<>()));
        int state = 0;
        for (String line : lines("/prob_emit.txt")) {
            String[] parts = line.split("\t");
            if (parts.length == 1) {
                state = STATES.indexOf(parts[0]);
            } else {
                emissions.get(state).put(parts[0].charAt(0), Double.valueOf(parts[1]));
            }
        }
    }

    private static final class Loaded {
        private static final ChineseWords WORDS = new ChineseWords();
    }

    /// The one cutter; its dictionary is loaded when it is first asked for.
    public static ChineseWords shared() {
        return Loaded.WORDS;
    }

    private static List<String> lines(String resource) {
        List<String> lines = new ArrayList<>();
        try (InputStream stream = WordDictionary.class.getResourceAsStream(resource)) {
            if (stream == null) {
                throw new IllegalStateException(resource + " is missing");
            }
            var reader = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8));
            reader.lines().filter(line -> !line.isBlank()).forEach(lines::add);
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + resource, e);
        }
        return lines;
    }

    /// The words of a text; joined they are the text.
    public List<String> cut(String text) {
        List<String> words = new ArrayList<>();
        for (String block : split(BLOCK, text)) {
            if (BLOCK.matcher(block).matches()) {
                cutBlock(block, words);
            } else {
                for (String part : split(SPACE, block)) {
                    if (SPACE.matcher(part).matches()) {
                        words.add(part);
                    } else {
                        part.codePoints().mapToObj(Character::toString).forEach(words::add);
                    }
                }
            }
        }
        return words;
    }

    /// The matches of a pattern and what stands between them, none of it empty.
    private static List<String> split(Pattern pattern, String text) {
        List<String> parts = new ArrayList<>();
        Matcher matcher = pattern.matcher(text);
        int from = 0;
        while (matcher.find()) {
            if (matcher.start() > from) {
                parts.add(text.substring(from, matcher.start()));
            }
            parts.add(matcher.group());
            from = matcher.end();
        }
        if (from < text.length()) {
            parts.add(text.substring(from));
        }
        return parts;
    }

    private void cutBlock(String block, List<String> words) {
        int[] ends = likeliest(block);
        StringBuilder singles = new StringBuilder();
        int at = 0;
        while (at < block.length()) {
            int end = ends[at];
            if (end - at == 1) {
                singles.append(block.charAt(at));
            } else {
                flush(singles, words);
                words.add(block.substring(at, end));
            }
            at = end;
        }
        flush(singles, words);
    }

    /// Where the word that begins at each place ends on the likeliest path.
    private int[] likeliest(String block) {
        int length = block.length();
        double[] best = new double[length + 1];
        int[] ends = new int[length];
        double logTotal = Math.log(total);
        for (int from = length - 1; from >= 0; from--) {
            best[from] = Double.NEGATIVE_INFINITY;
            for (int end = from + 1; end <= length; end++) {
                Double frequency = frequencies.get(block.substring(from, end));
                if (frequency == null) {
                    break;
                }
                double score = Math.log(frequency) - logTotal + best[end];
                if (frequency > 0 && score >= best[from]) {
                    best[from] = score;
                    ends[from] = end;
                }
            }
            if (ends[from] == 0) {
                best[from] = -logTotal + best[from + 1];
                ends[from] = from + 1;
            }
        }
        return ends;
    }

    /// Characters that the dictionary left alone may be words that it does not know.
    private void flush(StringBuilder singles, List<String> words) {
        String text = singles.toString();
        singles.setLength(0);
        if (text.isEmpty()) {
            return;
        }
        Double known = frequencies.get(text);
        if (text.length() == 1) {
            words.add(text);
        } else if (known == null || known == 0) {
            unknown(text, words);
        } else {
            text.chars().mapToObj(c -> Character.toString(c)).forEach(words::add);
        }
    }

    private void unknown(String text, List<String> words) {
        for (String part : split(HAN, text)) {
            if (HAN.matcher(part).matches()) {
                viterbi(part, words);
            } else {
                words.addAll(split(LATIN, part));
            }
        }
    }

    private double emission(int state, char c) {
        return emissions.get(state).getOrDefault(c, NEVER);
    }

    private void viterbi(String text, List<String> words) {
        int length = text.length();
        double[][] scores = new double[length][STATES.length()];
        int[][] from = new int[length][STATES.length()];
        for (int s = 0; s < STATES.length(); s++) {
            scores[0][s] = START[s] + emission(s, text.charAt(0));
        }
        for (int i = 1; i < length; i++) {
            for (int s = 0; s < STATES.length(); s++) {
                scores[i][s] = Double.NEGATIVE_INFINITY;
                for (char before : BEFORE[s].toCharArray()) {
                    int b = STATES.indexOf(before);
                    double score = scores[i - 1][b] + STEP[b][s] + emission(s, text.charAt(i));
                    if (score >= scores[i][s]) {
                        scores[i][s] = score;
                        from[i][s] = b;
                    }
                }
            }
        }
        int[] path = new int[length];
        path[length - 1] = scores[length - 1][1] > scores[length - 1][3] ? 1 : 3;
        for (int i = length - 1; i > 0; i--) {
            path[i - 1] = from[i][path[i]];
        }
        addWords(text, path, words);
    }

    private static void addWords(String text, int[] path, List<String> words) {
        int begin = 0;
        int next = 0;
        for (int i = 0; i < path.length; i++) {
            switch (STATES.charAt(path[i])) {
                case 'B' -> begin = i;
                case 'E' -> {
                    words.add(text.substring(begin, i + 1));
                    next = i + 1;
                }
                case 'S' -> {
                    words.add(text.substring(i, i + 1));
                    next = i + 1;
                }
                default -> {
                    // The middle of a word.
                }
            }
        }
        if (next < text.length()) {
            words.add(text.substring(next));
        }
    }
}
