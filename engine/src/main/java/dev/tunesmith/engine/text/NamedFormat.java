package dev.tunesmith.engine.text;

import dev.tunesmith.contracts.chat.NamedTemplate;
import dev.tunesmith.contracts.chat.NamedTemplates;
import dev.tunesmith.contracts.chat.TemplateSource;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.ModelFileException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A template that a job names, for a model that brings none.
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

    /// Puts the template beside what was trained with it, so that it is served with it too.
    public static void write(ModelDirectory model, @Nullable String name, Path folder)
            throws IOException {
        Optional<String> source = source(model, name);
        if (source.isPresent()) {
            Files.writeString(folder.resolve(ModelDirectory.CHAT_TEMPLATE), source.get());
        }
    }
}
