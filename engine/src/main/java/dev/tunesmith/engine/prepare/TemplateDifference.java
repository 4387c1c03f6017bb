package dev.tunesmith.engine.prepare;

import dev.tunesmith.contracts.chat.NamedTemplates;
import dev.tunesmith.contracts.chat.TemplateSource;
import dev.tunesmith.contracts.dataset.UsualRow;
import dev.tunesmith.contracts.inspect.FindingKind;
import dev.tunesmith.contracts.inspect.SensitiveText;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.mixture.Reading;
import dev.tunesmith.contracts.mixture.RowConversion;
import dev.tunesmith.contracts.template.ChatOptions;
import dev.tunesmith.engine.data.ChatFormat;
import dev.tunesmith.engine.data.Conversation;
import dev.tunesmith.engine.data.TemplateFormat;
import dev.tunesmith.engine.data.TrainingRow;
import dev.tunesmith.engine.data.UnusableRowException;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.rows.RowFile;
import dev.tunesmith.engine.rows.RowFileException;
import dev.tunesmith.engine.rows.RowReader;
import dev.tunesmith.engine.rows.RowSource;
import java.io.IOException;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// How the template that a model brings, which counts, writes the first rows of a file otherwise
/// than the one that was named.
///
/// @param named name of the other template
/// @param rows rows that were written with both
/// @param different rows of which the texts are not the same
/// @param first number of the first of those; 0 if there is none
/// @param difference lines of that row as a unified difference, the model's own with `-`; empty if
///   the row holds something that must not be shown
public record TemplateDifference(
        String named, int rows, int different, long first, String difference) {

    /// How many rows are written with both.
    public static final int ROWS = 32;

    /// What was asked for.
    ///
    /// @param name of a template; null if none was named
    /// @param chat variables of both
    public record Wish(@Nullable String name, ChatOptions chat) {}

    /// Compares the templates on the first rows of a file.
    ///
    /// @param wish the template that was named
    /// @return nothing if none was named, the model brings none, or rows are documents
    public static Optional<TemplateDifference> of(
            ModelDirectory model, Wish wish, RowSource file, Reading reading, Method method)
            throws IOException {
        Optional<String> source =
                Optional.ofNullable(wish.name())
                        .flatMap(NamedTemplates::find)
                        .map(TemplateSource::of);
        if (source.isEmpty()
                || model.chatTemplate().isEmpty()
                || method.rowKind() == Method.RowKind.DOCUMENT) {
            return Optional.empty();
        }
        Comparison comparison =
                new Comparison(
                        TemplateFormat.of(model, TemplateFormat.TRAINING_TIME)
                                .with(wish.chat().variables()),
                        TemplateFormat.instead(model, TemplateFormat.TRAINING_TIME, source.get())
                                .with(wish.chat().variables()),
                        method);
        RowConversion conversion = new RowConversion(reading, false);
        try (RowReader rows = RowFile.open(file, reading)) {
            Optional<Map<String, @Nullable Object>> row = rows.next();
            for (long number = 1; row.isPresent() && comparison.rows < ROWS; number++) {
                comparison.add(conversion.of(RowReader.known(row.get())), number);
                row = rows.next();
            }
        } catch (RowFileException _) {
            // What was read so far is compared; the check says what is wrong with the file.
        }
        return Optional.of(comparison.result(Objects.requireNonNull(wish.name())));
    }

    /// Writes rows with both.
    private static final class Comparison {
        private final ChatFormat own;
        private final ChatFormat other;
        private final Method method;
        private int rows;
        private int different;
        private long first;
        private String difference = "";

        Comparison(ChatFormat own, ChatFormat other, Method method) {
            this.own = own;
            this.other = other;
            this.method = method;
        }

        void add(UsualRow row, long number) {
            Optional<Conversation> conversation = conversation(row);
            if (conversation.isEmpty()) {
                return;
            }
            rows++;
            String ours = text(own, conversation.get());
            String theirs = text(other, conversation.get());
            if (ours.equals(theirs)) {
                return;
            }
            different++;
            if (first == 0) {
                first = number;
                difference = shown(ours, theirs);
            }
        }

        private Optional<Conversation> conversation(UsualRow usual) {
            if (usual.problem().isPresent()) {
                return Optional.empty();
            }
            Map<String, Object> row = usual.row();
            try {
                return switch (method.rowKind()) {
                    case CONVERSATION -> Optional.of(TrainingRow.chat(row).conversation());
                    case PAIR -> {
                        TrainingRow.Pair pair = TrainingRow.pair(row);
                        yield Optional.of(pair.prompt().then(pair.chosen()));
                    }
                    case JUDGED -> {
                        TrainingRow.Judged judged = TrainingRow.judged(row);
                        yield Optional.of(judged.prompt().then(judged.answer()));
                    }
                    case PROMPT -> Optional.of(TrainingRow.prompt(row));
                    case DOCUMENT -> Optional.empty();
                };
            } catch (UnusableRowException _) {
                return Optional.empty();
            }
        }

        private static String text(ChatFormat format, Conversation conversation) {
            try {
                return format.render(conversation.messages(), conversation.tools()).text();
            } catch (UnusableRowException e) {
                return "(refused: %s)".formatted(e.getMessage());
            }
        }

        /// A row with a secret is not shown at all: its lines belong together.
        private static String shown(String ours, String theirs) {
            Set<FindingKind> sensitive = new LinkedHashSet<>();
            SensitiveText.scan(ours, sensitive::add);
            SensitiveText.scan(theirs, sensitive::add);
            return sensitive.isEmpty() ? LineDifference.unified(ours, theirs) : "";
        }

        TemplateDifference result(String name) {
            return new TemplateDifference(name, rows, different, first, difference);
        }
    }

    /// What the owner of a job reads.
    public String text() {
        if (different == 0) {
            return "the model brings a chat template of its own, which counts; it writes the first"
                    + " %d rows as template %s does".formatted(rows, named);
        }
        String head =
                "the model brings a chat template of its own, which counts; template %s would write"
                                .formatted(named)
                        + " %d of the first %d rows otherwise. Row %d (- the model's, + %s):"
                                .formatted(different, rows, first, named);
        return difference.isEmpty()
                ? head + " not shown, because it holds what looks like a secret or personal data"
                : head + "\n" + difference.lines().collect(Collectors.joining("\n"));
    }
}
