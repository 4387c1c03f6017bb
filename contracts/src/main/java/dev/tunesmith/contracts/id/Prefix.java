package dev.tunesmith.contracts.id;

import java.util.HexFormat;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;

/// The text before the digits of an id's wire form.
record Prefix(String text) {
    private static final Pattern HEX = Pattern.compile("[0-9a-f]{32}");
    private static final Pattern DASHED =
            Pattern.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");

    String wire(UUID value) {
        HexFormat hex = HexFormat.of();
        return text
                + hex.toHexDigits(value.getMostSignificantBits())
                + hex.toHexDigits(value.getLeastSignificantBits());
    }

    Optional<UUID> find(String wire) {
        if (DASHED.matcher(wire).matches()) {
            return Optional.of(UUID.fromString(wire));
        }
        if (!wire.startsWith(text) || !HEX.matcher(wire.substring(text.length())).matches()) {
            return Optional.empty();
        }
        String digits = wire.substring(text.length());
        return Optional.of(
                new UUID(
                        HexFormat.fromHexDigitsToLong(digits, 0, 16),
                        HexFormat.fromHexDigitsToLong(digits, 16, 32)));
    }

    UUID parse(String wire) {
        return find(wire)
                .orElseThrow(() ->
                        new IllegalArgumentException(
                                "expected %s and 32 hexadecimal digits, found: %s"
                                        .formatted(text, wire)));
    }
}
