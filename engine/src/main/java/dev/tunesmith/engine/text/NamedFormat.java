package dev.tunesmith.engine.text;

import dev.tunesmith.contracts.chat.NamedTemplate;
import dev.tunesmith.contracts.chat.NamedTemplates;
import dev.tunesmith.contracts.chat.TemplateSource;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.ModelFileException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Which chat template a job trains with: that of a model, of the adapter that it goes on from, or
/// one that the job names.
public final class NamedFormat {

    private NamedFormat() {}

    /// The source of the template of a name. A model's own template wins over it.
    ///
    /// @return nothing if none is named or the model has its own
    /// @throws ModelFileException if the model's tokenizer lacks a token that ends answers
    public static Optional<String> source(ModelDirectory model, @Nullable String name) {
        Optional<NamedTemplate> named = Optional.ofNullable(name).flatMap(NamedTemplates::find);
        if (named.isEmpty()) {
            return Optional.empty();
        }
        String source = TemplateSource.of(named.get());
        Optional<String> own = model.chatTemplate();
        if (own.isPresent()) {
            return Optional.empty();
        }
        List<String> missing = missing(model, named.get());
        if (!missing.isEmpty()) {
            throw new ModelFileException(
                    model.path(),
                    "template %s needs the tokens %s, which the tokenizer lacks; name another"
                            .formatted(name, String.join(" ", missing)));
        }
        return Optional.of(source);
    }

    private static List<String> missing(ModelDirectory model, NamedTemplate template) {
        Optional<Path> file = model.tokenizer();
        if (file.isEmpty() || template.ending().endToken().isEmpty()) {
            return List.of();
        }
        try (Tokenizer tokenizer = Tokenizer.open(file.get())) {
            return template.ending().endToken().stream()
                    .filter(token -> tokenizer.id(token).isEmpty())
                    .toList();
        }
    }

    /// The source of the template that a job trains with, where that is not simply the model's own:
    /// the one that was trained before counts, unless the model has none and the job names another.
    ///
    /// @param adapter folder of the adapter with which training goes on
    public static Optional<String> source(
            ModelDirectory model, @Nullable String name, Optional<Path> adapter) {
        Optional<String> named = source(model, name);
        return named.isPresent() ? named : adapter.flatMap(NamedFormat::beside);
    }

    /// The template that lies beside an adapter.
    public static Optional<String> beside(Path adapter) {
        Path file = adapter.resolve(ModelDirectory.CHAT_TEMPLATE);
        try {
            return Files.exists(file) ? Optional.of(Files.readString(file)) : Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + file, e);
        }
    }

    /// The variables that a job trains with: the model's own, before them those of the adapter that
    /// it goes on from, before all what the job asks for.
    ///
    /// @param adapter folder of the adapter with which training goes on
    public static Map<String, @Nullable Object> variables(
            ModelDirectory model,
            Optional<Path> adapter,
            Map<String, ? extends @Nullable Object> asked) {
        Map<String, @Nullable Object> all = new LinkedHashMap<>(model.chatVariables());
        adapter.ifPresent(folder -> all.putAll(ModelDirectory.chatVariables(folder)));
        all.putAll(asked);
        return all;
    }

    /// Puts variables beside what was trained with them, so that it is served with them too.
    public static void writeVariables(
            Map<String, ? extends @Nullable Object> variables, Path folder) throws IOException {
        if (!variables.isEmpty()) {
            Path file = folder.resolve(ModelDirectory.CHAT_VARIABLES);
            Files.writeString(file, JsonTree.text(variables));
        }
    }
}
