package dev.tunesmith.bench;

import dev.tunesmith.bench.text.Corpus;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.rows.RowFileException;
import dev.tunesmith.engine.text.BpeOptions;
import dev.tunesmith.engine.text.ByteLevelTokenizer;
import dev.tunesmith.engine.text.FallbackTokenizer;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// `tokenizer FILE… --out FILE` learns a vocabulary from the texts of files.
final class TokenizerCommand {
    private static final String USAGE =
            """
            Usage: ./tunesmith tokenizer FILE… --out tokenizer.json [--vocabulary N] [--form byte-level|fallback]
                                         [--special TOKEN]… [--characters N]
            Learns a BPE vocabulary of N tokens (default 32000) from all texts of the rows of each FILE, of any kind that a
            job takes. byte-level is the form of GPT-2, Llama 3 and Qwen; fallback that of Llama 2 and Gemma, where only the
            N most frequent characters get tokens and others are written as bytes. Special tokens take the first ids
            (default <|endoftext|>, or <unk> <s> </s>). The result depends on nothing but texts and options.\
            """;
    private static final String FALLBACK = "fallback";
    private static final String BYTE_LEVEL = "byte-level";
    private static final int VOCABULARY = 32_000;

    private final List<Path> files = new ArrayList<>();
    private final List<String> special = new ArrayList<>();
    private final List<String> problems = new ArrayList<>();
    private @Nullable Path out;
    private String form = BYTE_LEVEL;
    private int vocabulary = VOCABULARY;
    private int characters = BpeOptions.UNLIMITED;

    private TokenizerCommand() {}

    /// Exits with 0 when the file is written, 1 when a text cannot be read, 2 on wrong usage.
    static int run(List<String> words, PrintStream out) {
        if (words.contains("--help")) {
            out.println(USAGE);
            return 0;
        }
        TokenizerCommand command = new TokenizerCommand();
        command.read(words);
        Path target = command.out;
        if (target == null || !command.problems.isEmpty()) {
            command.problems.forEach(out::println);
            out.println(USAGE);
            return 2;
        }
        try {
            Map<String, ?> tree = command.learn();
            JsonTree.write(target, tree);
            out.println("%s has %d tokens".formatted(target, size(tree)));
            return 0;
        } catch (RowFileException | IOException | UncheckedIOException e) {
            out.println(e.getMessage());
            return 1;
        }
    }

    private void read(List<String> words) {
        for (int i = 0; i < words.size(); i++) {
            String word = words.get(i);
            if (!word.startsWith("--")) {
                files.add(Path.of(word));
            } else if (i + 1 == words.size()) {
                problems.add(word + " needs a value");
            } else {
                i++;
                option(word, words.get(i));
            }
        }
        if (files.isEmpty()) {
            problems.add("name at least one file with texts");
        }
        for (Path file : files) {
            if (!Files.isRegularFile(file)) {
                problems.add("%s: there is no such file".formatted(file));
            }
        }
        if (out == null) {
            problems.add("name the file to write with --out");
        }
        if (special.isEmpty()) {
            special.addAll(
                    form.equals(FALLBACK)
                            ? List.of("<unk>", "<s>", "</s>")
                            : List.of("<|endoftext|>"));
        }
        int fewest = special.size() + 256;
        if (vocabulary < fewest) {
            problems.add(
                    "--vocabulary: %d tokens are needed for the bytes and special tokens alone"
                            .formatted(fewest));
        }
    }

    private void option(String name, String value) {
        switch (name) {
            case "--out" -> out = Path.of(value);
            case "--special" -> special.add(value);
            case "--vocabulary" -> vocabulary = number(name, value);
            case "--characters" -> characters = number(name, value);
            case "--form" -> {
                form = value;
                if (!List.of(BYTE_LEVEL, FALLBACK).contains(value)) {
                    problems.add("--form is %s or %s".formatted(BYTE_LEVEL, FALLBACK));
                }
            }
            default -> problems.add("there is no option " + name);
        }
    }

    private int number(String name, String value) {
        if (!value.matches("[1-9]\\d{0,6}")) {
            problems.add("%s takes a number from 1 to 9999999".formatted(name));
            return Integer.MAX_VALUE;
        }
        return Integer.parseInt(value);
    }

    private Map<String, ?> learn() {
        Corpus corpus = new Corpus(files);
        return form.equals(FALLBACK)
                ? FallbackTokenizer.train(corpus, vocabulary, special, characters)
                : ByteLevelTokenizer.train(corpus, vocabulary, special);
    }

    private static int size(Map<String, ?> tree) {
        return tree.get("model") instanceof Map<?, ?> model
                        && model.get("vocab") instanceof Map<?, ?> tokens
                ? tokens.size()
                : 0;
    }
}
