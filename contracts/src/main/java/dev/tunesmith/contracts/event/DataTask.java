package dev.tunesmith.contracts.event;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonTypeName;
import com.fasterxml.jackson.annotation.JsonValue;
import dev.tunesmith.contracts.id.TaskId;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.contracts.mixture.Reading;
import dev.tunesmith.contracts.template.ChatOptions;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Look at a file of rows, or make other files of it. Answer: [Report.DataDone].
///
/// @param validation a second file, for [Verb#CHECK] alone
/// @param base whose tokenizer and template count; null where none is needed
/// @param prefix where files of the result go, with a slash at the end
@JsonTypeName("data")
public record DataTask(
        TaskId task,
        TenantId tenant,
        ObjectRef file,
        @Nullable ObjectRef validation,
        @Nullable ModelSource base,
        Wish wish,
        String prefix)
        implements Message {

    /// What is done.
    public enum Verb {
        /// Everything that one pass finds; with a model also tokens.
        CHECK,
        /// One row as the model sees it.
        PREVIEW,
        /// How long the rows are.
        TOKENS,
        /// The rows in another kind of file or another shape.
        CONVERT,
        /// Two files, of which one is for validation.
        SPLIT,
        /// How full packed rows become.
        PACK;

        @JsonCreator
        public static Verb of(String wire) {
            return valueOf(wire.toUpperCase(Locale.ROOT));
        }

        @JsonValue
        public String wire() {
            return name().toLowerCase(Locale.ROOT);
        }

        /// Whether it makes no sense without a tokenizer.
        public boolean needsModel() {
            return this == PREVIEW || this == TOKENS || this == PACK;
        }
    }

    /// What a user may choose; null is the usual choice.
    ///
    /// @param row which row is shown, from 1
    /// @param template name of a template, for a model that brings none
    /// @param method training method that the rows are meant for
    /// @param maxSeqLen tokens of a row; the model's context if null
    /// @param format kind of the file that is written: jsonl, json, csv, tsv, each perhaps with
    ///   `.gz` or `.zst` behind it, parquet or arrow
    /// @param shape shape of the rows that are written: openai, sharegpt, alpaca
    /// @param validation share or number of rows that are held out
    /// @param likeness how alike rows are that have to stay together: exact, normalised, near
    /// @param reading how the rows of all files are read; null recognises it
    /// @param chat how conversations are written
    public record Wish(
            Verb verb,
            @Nullable Long row,
            @Nullable String template,
            @Nullable String method,
            @Nullable Integer maxSeqLen,
            @Nullable String format,
            @Nullable String shape,
            @Nullable Double validation,
            @Nullable String likeness,
            @Nullable Long seed,
            @Nullable Reading reading,
            ChatOptions chat) {
        public Wish {
            // Tasks of earlier releases were stored without it.
            chat = Objects.requireNonNullElse(chat, ChatOptions.NONE);
        }

        /// How the rows are read.
        public Reading read() {
            return reading == null ? Reading.RECOGNISED : reading;
        }
    }
}
