package dev.tunesmith.contracts.mixture;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import dev.tunesmith.contracts.data.RowFormat;
import dev.tunesmith.contracts.dataset.Layout;
import dev.tunesmith.contracts.dataset.UsualRow;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// The shapes of rows by the names that people know them by.
public enum Shape {
    /// `messages` of role and content.
    OPENAI("messages"),
    /// `instruction`, `input`, `output`.
    ALPACA("instruction"),
    /// `conversations` of from and value.
    SHAREGPT("conversations"),
    /// Conversations written out, turns between `<|im_start|>` and `<|im_end|>`.
    CHATML("text with <|im_start|>"),
    /// `prompt` and `completion`.
    COMPLETION("prompt"),
    /// A better and a worse answer.
    PREFERENCE("chosen or preferred_output"),
    /// An answer and a verdict on it.
    JUDGED("label or kto_tag"),
    /// Documents.
    TEXT("text");

    private final String mark;

    Shape(String mark) {
        this.mark = mark;
    }

    /// The shape that the keys of a row show.
    public static Optional<Shape> of(Map<String, ?> row) {
        Optional<Layout> layout = UsualRow.layout(row);
        if (layout.isPresent()) {
            return Optional.of(layout.get() == Layout.ALPACA ? ALPACA : SHAREGPT);
        }
        return RowFormat.of(row)
                .map(format ->
                        switch (format) {
                            case CHAT -> OPENAI;
                            case COMPLETION -> COMPLETION;
                            case PREFERENCE -> PREFERENCE;
                            case JUDGED -> JUDGED;
                            case TEXT -> ChatMl.is(row.get("text")) ? CHATML : TEXT;
                        });
    }

    /// What its rows are known by.
    public String mark() {
        return mark;
    }

    /// The layout whose columns and tags can be named, if it is one.
    public Optional<Layout> layout() {
        return switch (this) {
            case OPENAI -> Optional.of(Layout.OPENAI);
            case ALPACA -> Optional.of(Layout.ALPACA);
            case SHAREGPT -> Optional.of(Layout.SHAREGPT);
            case CHATML, COMPLETION, PREFERENCE, JUDGED, TEXT -> Optional.empty();
        };
    }

    @JsonCreator
    public static Shape parse(String wire) {
        return valueOf(wire.toUpperCase(Locale.ROOT));
    }

    @JsonValue
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }
}
