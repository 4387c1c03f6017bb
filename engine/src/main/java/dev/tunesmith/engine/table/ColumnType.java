package dev.tunesmith.engine.table;

import dev.tunesmith.contracts.tool.Json;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// What the values of a column are, found by looking at all of them.
sealed interface ColumnType {

    /// A structure with more fields is a dictionary with free keys, and is kept as JSON text.
    int FIELDS_MAX = 256;

    /// Deeper values are kept as JSON text.
    int DEPTH_MAX = 12;

    /// Nothing but missing values so far.
    record Unknown() implements ColumnType {}

    /// Text, and anything else as JSON text.
    record Text() implements ColumnType {}

    /// Whole numbers of 64 bits.
    record Whole() implements ColumnType {}

    /// Numbers of double precision.
    record Fraction() implements ColumnType {}

    /// True or false.
    record Flag() implements ColumnType {}

    /// Lists of such values.
    record Listing(ColumnType element) implements ColumnType {}

    /// Objects with known fields, each of which may be missing.
    record Structure(Map<String, ColumnType> fields) implements ColumnType {}

    /// The type of one value.
    static ColumnType of(@Nullable Object value) {
        return of(value, 0);
    }

    private static ColumnType of(@Nullable Object value, int depth) {
        return switch (value) {
            case null -> new Unknown();
            case Boolean _ -> new Flag();
            case Integer _, Long _, Short _, Byte _ -> new Whole();
            case Double _, Float _ -> new Fraction();
            case List<?> list when depth < DEPTH_MAX -> {
                ColumnType element = new Unknown();
                for (Object item : list) {
                    element = element.with(of(item, depth + 1));
                }
                yield new Listing(element);
            }
            case Map<?, ?> map when depth < DEPTH_MAX -> {
                Map<String, ColumnType> fields = new LinkedHashMap<>();
                map.forEach((key, field) -> fields.put(String.valueOf(key), of(field, depth + 1)));
                yield fields.size() > FIELDS_MAX ? new Text() : new Structure(fields);
            }
            default -> new Text();
        };
    }

    /// The type of values of this type and of another one; values that have nothing in common
    /// become text.
    default ColumnType with(ColumnType other) {
        if (this instanceof Unknown || equals(other)) {
            return other;
        }
        if (other instanceof Unknown) {
            return this;
        }
        if (this instanceof Listing(ColumnType mine)
                && other instanceof Listing(ColumnType theirs)) {
            return new Listing(mine.with(theirs));
        }
        if (this instanceof Structure(Map<String, ColumnType> mine)
                && other instanceof Structure(Map<String, ColumnType> theirs)) {
            Map<String, ColumnType> fields = new LinkedHashMap<>(mine);
            theirs.forEach((key, type) -> fields.merge(key, type, ColumnType::with));
            return fields.size() > FIELDS_MAX ? new Text() : new Structure(fields);
        }
        boolean numbers =
                (this instanceof Whole || this instanceof Fraction)
                        && (other instanceof Whole || other instanceof Fraction);
        return numbers ? new Fraction() : new Text();
    }

    /// A type that files can hold: columns without a value are text, and so are objects without a
    /// field.
    default ColumnType settled() {
        return switch (this) {
            case Unknown _ -> new Text();
            case Listing(ColumnType element) -> new Listing(element.settled());
            case Structure(Map<String, ColumnType> fields) -> {
                Map<String, ColumnType> settled = new LinkedHashMap<>();
                fields.forEach((key, type) -> settled.put(key, type.settled()));
                yield settled.isEmpty() ? new Text() : new Structure(settled);
            }
            case Text _, Whole _, Fraction _, Flag _ -> this;
        };
    }

    /// A value of a text column.
    static String text(Object value) {
        return value instanceof String text ? text : Json.line(value);
    }

    /// A field of an object.
    static Optional<Object> field(Object structure, String name) {
        return structure instanceof Map<?, ?> map
                ? Optional.ofNullable(map.get(name))
                : Optional.empty();
    }
}
