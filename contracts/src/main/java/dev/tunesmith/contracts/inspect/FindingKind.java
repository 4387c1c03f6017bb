package dev.tunesmith.contracts.inspect;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/// What may be noteworthy about a row.
public enum FindingKind {
    /// The row cannot be trained on.
    BAD_ROW,
    /// No key of the row is one that a shape is recognised by; named columns may make it usable.
    UNKNOWN_SHAPE,
    /// An answer has no text and makes no call; such a row is bad as well.
    EMPTY_ANSWER,
    /// Turns that do not alternate as most templates expect it.
    ROLE_ORDER,
    /// Arguments of a call that are no JSON object.
    TOOL_JSON,
    /// The same values as an earlier row.
    DUPLICATE_ROW,
    /// The same letters and digits as an earlier row.
    NORMALISED_DUPLICATE,
    /// Nearly the same words as an earlier row.
    NEAR_DUPLICATE,
    /// A row for validation that is also trained on.
    LEAKED_ROW,
    /// A row for validation with nearly the same words as one that is trained on.
    NEAR_LEAK,
    /// More tokens than the context holds.
    TOO_LONG,
    /// Text of a user that looks like a control token; it is encoded as text.
    CONTROL_TEXT,
    PRIVATE_KEY,
    API_KEY,
    ACCESS_TOKEN,
    PASSWORD_IN_URL,
    EMAIL,
    PHONE,
    IBAN,
    CREDIT_CARD;

    @JsonCreator
    public static FindingKind of(String wire) {
        return valueOf(wire.toUpperCase(Locale.ROOT));
    }

    @JsonValue
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// What a person reads; the value itself is never shown.
    public String text() {
        return switch (this) {
            case BAD_ROW -> "cannot be trained on";
            case UNKNOWN_SHAPE -> "has columns of no known shape";
            case EMPTY_ANSWER -> "an answer is empty";
            case ROLE_ORDER -> "turns do not alternate";
            case TOOL_JSON -> "arguments of a call are no JSON object";
            case DUPLICATE_ROW -> "repeats an earlier row";
            case NORMALISED_DUPLICATE -> "repeats an earlier row but for case or punctuation";
            case NEAR_DUPLICATE -> "has nearly the words of an earlier row";
            case LEAKED_ROW -> "is trained on and validated with";
            case NEAR_LEAK -> "has nearly the words of a row that is trained on";
            case TOO_LONG -> "is longer than the context";
            case CONTROL_TEXT -> "holds the text of a control token";
            case PRIVATE_KEY -> "holds a private key";
            case API_KEY -> "holds what looks like an API key";
            case ACCESS_TOKEN -> "holds what looks like an access token";
            case PASSWORD_IN_URL -> "holds a URL with a password";
            case EMAIL -> "holds an e-mail address";
            case PHONE -> "holds a phone number";
            case IBAN -> "holds an account number (IBAN)";
            case CREDIT_CARD -> "holds a credit card number";
        };
    }
}
