package dev.tunesmith.bench.nano;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// A field of knowledge: items, and the ways to ask for and to state them.
///
/// @param check how many of its questions are held out for the check
/// @param weight how often each question occurs
/// @param turns questions with their answers, each with slots such as `{a}`
/// @param statements sentences with slots, for pre-training
/// @param items values of the slots, item by item
record Topic(
        String name,
        int check,
        Weight weight,
        List<Turn> turns,
        List<String> statements,
        List<Map<String, String>> items) {

    /// How often each question occurs in an epoch; facts that nothing else explains need more.
    ///
    /// @param repeat in both trainings
    /// @param practise in the practice that ends the second one
    record Weight(int repeat, int practise) {}

    /// A way to ask, and the answer to it.
    record Turn(String language, String question, String answer) {}

    /// A question with its slots filled.
    record Question(String topic, String question, String answer) {}

    /// Reads all topic files of a folder, in the order of their names.
    static List<Topic> readAll(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            List<Topic> topics = new ArrayList<>();
            for (Path file : files.sorted().toList()) {
                topics.add(read(file));
            }
            return topics;
        }
    }

    /// Reads a topic file; its lines are described in the README beside the files.
    static Topic read(Path file) throws IOException {
        Lines lines = new Lines(file);
        for (String line : Files.readAllLines(file)) {
            lines.take(line.strip());
        }
        return lines.topic();
    }

    /// Every question about every item.
    List<Question> questions() {
        List<Question> questions = new ArrayList<>();
        for (Map<String, String> item : items) {
            for (Turn turn : turns) {
                questions.add(
                        new Question(name, fill(turn.question(), item), fill(turn.answer(), item)));
            }
        }
        return questions;
    }

    /// Every statement about every item.
    List<String> facts() {
        List<String> facts = new ArrayList<>();
        for (Map<String, String> item : items) {
            for (String statement : statements) {
                facts.add(fill(statement, item));
            }
        }
        return facts;
    }

    private static String fill(String template, Map<String, String> slots) {
        StringBuilder text = new StringBuilder();
        int at = 0;
        while (at < template.length()) {
            int open = template.indexOf('{', at);
            if (open < 0) {
                break;
            }
            int close = template.indexOf('}', open);
            String slot = template.substring(open + 1, close);
            String value = slots.get(slot);
            if (value == null) {
                throw new IllegalArgumentException("no slot %s in: %s".formatted(slot, template));
            }
            text.append(template, at, open).append(value);
            at = close + 1;
        }
        return text.append(template.substring(at)).toString();
    }

    /// Collects the lines of one file.
    private static final class Lines {
        private final String name;
        private final List<Turn> turns = new ArrayList<>();
        private final List<String> statements = new ArrayList<>();
        private final List<String> questions = new ArrayList<>();
        private final Items items = new Items();
        private int check;
        private int repeat = 1;
        private int practise;

        Lines(Path file) {
            this.name = file.getFileName().toString().replaceAll("^\\d+-|\\.topic$", "");
        }

        void take(String line) {
            if (line.isEmpty() || line.startsWith("#")) {
                return;
            }
            String[] words = line.split(" ", 2);
            String rest = words.length > 1 ? words[1] : "";
            switch (words[0]) {
                case "check" -> check = Integer.parseInt(rest);
                case "repeat" -> repeat = Integer.parseInt(rest);
                case "practise" -> practise = Integer.parseInt(rest);
                case "items" -> items.kind(rest);
                case "|" -> items.row(rest);
                case "columns" -> items.columns(rest);
                case "set" -> items.set(rest);
                case "ask" -> questions.add(rest);
                case "answer" -> answer(rest);
                case "say" -> statements.add(rest);
                default -> throw new IllegalArgumentException("%s: %s".formatted(name, line));
            }
        }

        private void answer(String languageAndText) {
            String language = languageAndText.substring(0, 2);
            for (String question : questions) {
                if (!question.startsWith(language)) {
                    throw new IllegalArgumentException("%s: %s".formatted(name, question));
                }
                turns.add(new Turn(language, question.substring(3), languageAndText.substring(3)));
            }
            questions.clear();
        }

        Topic topic() {
            Weight weight = new Weight(repeat, practise == 0 ? repeat : practise);
            return new Topic(name, check, weight, turns, statements, items.expand());
        }
    }
}
