package dev.tunesmith.engine.rows;

import java.util.ArrayList;
import java.util.List;

/// A column of an Arrow schema.
///
/// @param kind number of the type in Arrow's union
/// @param width bits of a number, bytes of a fixed-length value, or entries of a fixed-length list
/// @param dictionary number of the dictionary that holds its values, -1 if it holds them itself
record ArrowField(
        String name,
        int kind,
        int width,
        boolean signed,
        long dictionary,
        List<ArrowField> children) {

    static final int NULL = 1;
    static final int INT = 2;
    static final int FLOAT = 3;
    static final int BINARY = 4;
    static final int TEXT = 5;
    static final int BOOL = 6;
    static final int DECIMAL = 7;
    static final int DATE = 8;
    static final int TIME = 9;
    static final int TIMESTAMP = 10;
    static final int LIST = 12;
    static final int STRUCT = 13;
    static final int FIXED_BINARY = 15;
    static final int FIXED_LIST = 16;
    static final int MAP = 17;
    static final int DURATION = 18;
    static final int LARGE_BINARY = 19;
    static final int LARGE_TEXT = 20;
    static final int LARGE_LIST = 21;

    private static final int DEPTH_MAX = 32;

    ArrowField {
        children = List.copyOf(children);
    }

    static ArrowField of(FlatTable field, int depth) {
        if (depth > DEPTH_MAX) {
            throw new IllegalArgumentException("columns nest too deeply");
        }
        List<ArrowField> children = new ArrayList<>();
        field.tables(5).forEach(child -> children.add(of(child, depth + 1)));
        int kind = field.small(2);
        FlatTable type = field.table(3);
        long dictionary = field.has(4) ? field.table(4).longNumber(0) : -1;
        return new ArrowField(
                field.text(0), kind, width(kind, type), signed(kind, type), dictionary, children);
    }

    private static boolean signed(int kind, FlatTable type) {
        return kind != INT || type.small(1) != 0;
    }

    private static int width(int kind, FlatTable type) {
        return switch (kind) {
            case INT -> type.number(0);
            case FLOAT -> 16 << type.shortNumber(0);
            case DATE -> type.has(0) && type.shortNumber(0) == 0 ? 32 : 64;
            case TIME -> type.has(1) ? type.number(1) : 32;
            case TIMESTAMP, DURATION -> 64;
            case FIXED_BINARY, FIXED_LIST -> type.number(0);
            case DECIMAL -> type.has(2) ? type.number(2) / 8 : 16;
            default -> 0;
        };
    }

    /// The numbers that stand in the place of values from a dictionary.
    ArrowField indices(FlatTable field) {
        FlatTable encoding = field.table(4);
        int bits = encoding.has(1) ? encoding.table(1).number(0) : 32;
        return new ArrowField(name, INT, bits, true, -1, List.of());
    }
}
