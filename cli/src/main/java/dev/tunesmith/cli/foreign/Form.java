package dev.tunesmith.cli.foreign;

import dev.tunesmith.contracts.chat.NamedTemplate;
import dev.tunesmith.contracts.chat.NamedTemplates;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// How a value is written in our spec.
enum Form {
    AS_IT_IS,
    /// A number that may stand there as a text: `1e-4` is one in YAML 1.1.
    NUMBER,
    /// A whole number, the next larger one of a fraction.
    UP,
    /// The opposite of a flag.
    NOT,
    /// Parts of a text with commas.
    LIST,
    /// Numbers of a list, or of a text with commas.
    NUMBERS,
    /// Parts of a text with commas, torchtune's names of modules by ours.
    MODULES,
    /// The last part of a path or of a hub's name.
    NAME,
    /// The same of a list of one.
    SINGLE,
    /// The same of a single one, with which training goes on.
    ADAPTER,
    /// A name of a chat template that jobs can name.
    TEMPLATE,
    /// A text of letters, digits, '.', '_' and '-'.
    LABEL,
    /// Rows that are held out: a share above 0 and below 1, or a number from 2.
    HELD_OUT,
    /// Steps of an epoch, times the epochs of the file.
    OF_ALL_EPOCHS;

    private static final Map<String, String> TORCHTUNE_MODULES =
            Map.of(
                    "output_proj", "o_proj",
                    "w1", "gate_proj",
                    "w2", "down_proj",
                    "w3", "up_proj");

    static Form of(String word) {
        return valueOf(word.strip().toUpperCase(Locale.ROOT).replace(' ', '_'));
    }

    /// The value in this form, empty if it has none.
    ///
    /// @param file all options of the file
    Optional<Object> of(Object value, Map<String, Object> file) {
        Leaf leaf = new Leaf(value);
        return switch (this) {
            case AS_IT_IS -> Optional.of(value);
            case NUMBER -> number(leaf).map(number -> value instanceof Number ? value : number);
            case UP -> number(leaf).map(number -> (long) Math.ceil(number));
            case NOT -> Optional.of(leaf.off());
            case LIST -> Optional.of(leaf.list()).filter(list -> !list.isEmpty()).map(l -> l);
            case NUMBERS -> numbers(leaf.list());
            case MODULES ->
                    Optional.of(
                            leaf.list().stream()
                                    .map(name -> TORCHTUNE_MODULES.getOrDefault(name, name))
                                    .toList());
            case NAME -> Optional.of(lastName(leaf.text()));
            case SINGLE -> single(leaf);
            case ADAPTER ->
                    single(leaf)
                            .filter(_ ->
                                    new Leaf(file.getOrDefault("create_new_adapter", false)).off());
            case TEMPLATE -> NamedTemplates.find(leaf.text()).map(NamedTemplate::name);
            case LABEL ->
                    Optional.of(
                            leaf.text()
                                    .replaceAll("[^A-Za-z0-9._-]+", "-")
                                    .replaceFirst("^[._-]+", ""));
            case HELD_OUT -> number(leaf).flatMap(Form::heldOut);
            case OF_ALL_EPOCHS -> {
                Optional<Double> epochs = number(new Leaf(file.getOrDefault("epochs", 1)));
                yield number(leaf).map(steps -> Math.round(steps * Math.ceil(epochs.orElse(1.0))));
            }
        };
    }

    private static Optional<Object> single(Leaf leaf) {
        return Optional.of(leaf.list())
                .filter(list -> list.size() == 1)
                .map(list -> lastName(list.getFirst()));
    }

    private static String lastName(String path) {
        String plain = path.replaceFirst("/+$", "");
        return plain.substring(plain.lastIndexOf('/') + 1);
    }

    private static Optional<Object> numbers(List<String> parts) {
        List<Double> numbers =
                parts.stream().flatMap(part -> number(new Leaf(part)).stream()).toList();
        return numbers.isEmpty() || numbers.size() < parts.size()
                ? Optional.empty()
                : Optional.of(numbers);
    }

    private static Optional<Object> heldOut(double size) {
        if (size > 0 && size < 1) {
            return Optional.of(size);
        }
        return size >= 2 && size == Math.rint(size) ? Optional.of((long) size) : Optional.empty();
    }

    private static Optional<Double> number(Leaf leaf) {
        try {
            return Optional.of(Double.parseDouble(leaf.text().replace("_", "")));
        } catch (NumberFormatException _) {
            return Optional.empty();
        }
    }
}
