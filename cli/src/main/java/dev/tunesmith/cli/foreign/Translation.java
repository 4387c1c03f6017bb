package dev.tunesmith.cli.foreign;

import dev.tunesmith.contracts.problem.NearestName;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;

/// A file of another trainer as a create body, and what became of each of its options.
///
/// @param body the create body, without the files
/// @param rows options that say where rows are and how they are read
/// @param lines one an option, in the order of the file, then what the other trainer would assume
public record Translation(Map<String, Object> body, Map<String, Object> rows, List<Line> lines) {
    /// What became of an option.
    ///
    /// @param value as the file has it; of a secret only that there is one
    /// @param words where it stands now, a reason, or the nearest equivalent
    public record Line(String key, String value, Verdict verdict, String words) {
        private static final Pattern SECRET =
                Pattern.compile(
                        "(?i).*(api_?key|secret\\w*|passw(or)?d|(hub|auth|access|api|wandb)_?token)");
        private static final Pattern OPEN = Pattern.compile("(?i)|true|false|none|null");

        public Line {
            if (SECRET.matcher(key).matches() && !OPEN.matcher(value).matches()) {
                value = "***";
            }
        }
    }

    /// The ways in which an option ends.
    public enum Verdict {
        MAPPED,
        /// The file leaves it out, and the other trainer has a value for it.
        ASSUMED,
        IGNORED,
        REFUSED
    }

    public Translation {
        lines = List.copyOf(lines);
    }

    /// What cannot be had.
    public List<Line> refused() {
        return lines.stream().filter(line -> line.verdict() == Verdict.REFUSED).toList();
    }

    /// Translates a parsed file.
    public static Translation of(ForeignTrainer trainer, Map<?, ?> tree) {
        return new Table(trainer, rules(trainer), FlatFile.of(tree)).translated();
    }

    static List<KeyRule> rules(ForeignTrainer trainer) {
        String name = trainer.wire() + ".rules";
        try (InputStream in = Translation.class.getResourceAsStream(name)) {
            String text =
                    new String(
                            Objects.requireNonNull(in, name).readAllBytes(),
                            StandardCharsets.UTF_8);
            return text.lines()
                    .filter(line -> !line.isBlank() && !line.startsWith("#"))
                    .map(KeyRule::of)
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// The work on one file.
    private static final class Table {
        private static final Pattern TORCHTUNE_SET =
                Pattern.compile("^(dataset|dataset_val)\\.[0-9]+\\.");

        private final ForeignTrainer trainer;
        private final List<KeyRule> rules;
        private final FlatFile file;
        private final SpecTree spec = new SpecTree();
        private final Map<String, Object> rows = new LinkedHashMap<>();
        private final Map<String, Line> decided = new LinkedHashMap<>();
        private final Map<String, List<String>> paths = new LinkedHashMap<>();

        Table(ForeignTrainer trainer, List<KeyRule> rules, FlatFile file) {
            this.trainer = trainer;
            this.rules = rules;
            this.file = file;
        }

        Translation translated() {
            Map<String, Object> given = file.given();
            for (KeyRule rule : rules) {
                if (rule.ofAbsent() && given.keySet().stream().noneMatch(key -> names(rule, key))) {
                    assume(rule);
                }
                given.forEach((key, value) -> {
                    if (!decided.containsKey(key) && names(rule, key) && rule.fits(value)) {
                        decide(rule, key, value);
                    }
                });
            }
            dropMisplaced();
            return new Translation(spec.body(), rows, lines());
        }

        /// Whether a rule concerns an option. One of several sets of torchtune is as the only one.
        private boolean names(KeyRule rule, String key) {
            return rule.names(
                    trainer == ForeignTrainer.TORCHTUNE
                            ? TORCHTUNE_SET.matcher(key).replaceFirst("$1.")
                            : key);
        }

        private void assume(KeyRule rule) {
            if (rule.outcome() instanceof KeyRule.Put(Map<String, Object> values)) {
                values.forEach((path, value) -> {
                    if (!spec.has(path)) {
                        spec.put(path, value);
                        String key = "(" + path + ")";
                        paths.put(key, List.of(path));
                        decided.put(
                                key,
                                new Line(
                                        path,
                                        new Leaf(value).text(),
                                        Verdict.ASSUMED,
                                        "what %s does".formatted(trainer.title())));
                    }
                });
            }
        }

        private void decide(KeyRule rule, String key, Object value) {
            String text = new Leaf(value).text();
            Line line =
                    switch (rule.outcome()) {
                        case KeyRule.Ignore() -> new Line(key, text, Verdict.IGNORED, rule.words());
                        case KeyRule.Refuse() -> new Line(key, text, Verdict.REFUSED, rule.words());
                        case KeyRule.Rows(String method) -> {
                            rows.put(key, value);
                            if (!method.isEmpty()) {
                                spec.put("method", method);
                            }
                            yield new Line(key, text, Verdict.MAPPED, "rows");
                        }
                        case KeyRule.Put(Map<String, Object> values) -> put(key, text, values);
                        case KeyRule.Move(String to, Form form) -> {
                            String path =
                                    to.replace("{key}", key)
                                            .replace(
                                                    "{last}",
                                                    key.substring(key.lastIndexOf('.') + 1));
                            yield form.of(value, file.given())
                                    .map(ours -> put(key, text, Map.of(path, ours)))
                                    .orElseGet(() -> unread(rule, key, text));
                        }
                    };
            decided.put(key, line);
        }

        private Line put(String key, String text, Map<String, Object> values) {
            var words = new ArrayList<String>();
            values.forEach((path, ours) -> {
                if (path.endsWith("+")) {
                    spec.append(path.substring(0, path.length() - 1), new Leaf(ours).list());
                } else {
                    spec.put(path, ours);
                }
                words.add("%s: %s".formatted(path, new Leaf(ours).text()));
            });
            paths.put(key, List.copyOf(values.keySet()));
            return new Line(key, text, Verdict.MAPPED, String.join(", ", words));
        }

        private static Line unread(KeyRule rule, String key, String text) {
            return new Line(
                    key,
                    text,
                    Verdict.REFUSED,
                    rule.words().isEmpty() ? "the value is not understood" : rule.words());
        }

        private void dropMisplaced() {
            paths.forEach((key, all) -> all.forEach(path -> drop(key, path)));
            if (spec.get("x_training.optimizer") instanceof Map<?, ?> map && map.isEmpty()) {
                spec.remove("x_training.optimizer");
            }
        }

        private void drop(String key, String path) {
            String refusal = spec.contradicted(path);
            String reason = refusal.isEmpty() ? spec.misplaced(path) : refusal;
            if (!reason.isEmpty()) {
                Line line = Objects.requireNonNull(decided.get(key));
                Verdict verdict = refusal.isEmpty() ? Verdict.IGNORED : Verdict.REFUSED;
                spec.remove(path);
                decided.put(key, new Line(line.key(), line.value(), verdict, reason));
            }
        }

        private List<Line> lines() {
            var lines = new ArrayList<Line>();
            file.options().forEach((key, value) -> lines.add(line(key, value)));
            decided.values().stream()
                    .filter(line -> line.verdict() == Verdict.ASSUMED)
                    .forEach(lines::add);
            return lines;
        }

        private Line line(String key, Optional<Object> value) {
            Line line = decided.get(key);
            if (line != null) {
                return line;
            }
            if (value.isEmpty()) {
                return new Line(key, "", Verdict.IGNORED, "is empty");
            }
            String text = new Leaf(value.get()).text();
            boolean known = rules.stream().anyMatch(rule -> names(rule, key));
            return new Line(key, text, Verdict.REFUSED, known ? values(key) : nearest(key));
        }

        private String values(String key) {
            List<String> values =
                    rules.stream()
                            .filter(rule -> names(rule, key))
                            .flatMap(rule -> rule.values().stream())
                            .filter(value -> !value.equals("absent"))
                            .distinct()
                            .toList();
            return "one of " + String.join(", ", values);
        }

        private String nearest(String key) {
            List<String> names =
                    rules.stream()
                            .flatMap(rule -> rule.keys().stream())
                            .map(pattern -> pattern.pattern().replaceAll("\\\\[QE]", ""))
                            .filter(name -> !name.contains("*"))
                            .distinct()
                            .toList();
            return "%s has no such option that is known here%s"
                    .formatted(
                            trainer.title(),
                            NearestName.of(key, names)
                                    .map(near -> "; is " + near + " meant?")
                                    .orElse(""));
        }
    }
}
