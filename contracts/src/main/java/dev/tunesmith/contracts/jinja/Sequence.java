package dev.tunesmith.contracts.jinja;

import java.util.AbstractList;
import java.util.List;

/// A Python sequence that is not a list.
public final class Sequence extends AbstractList<Object> {
    /// How it prints and what it can do.
    public enum Kind {
        TUPLE("(", ")"),
        KEYS("dict_keys([", "])"),
        VALUES("dict_values([", "])"),
        ITEMS("dict_items([", "])"),
        RANGE("range(", ")"),
        /// What a lazy filter gives: it can be walked over and nothing else.
        GENERATOR("<generator object of ", " items>");

        final String open;
        final String close;

        Kind(String open, String close) {
            this.open = open;
            this.close = close;
        }
    }

    private final Kind kind;
    private final List<Object> items;

    private Sequence(Kind kind, List<? extends Object> items) {
        this.kind = kind;
        this.items = List.copyOf(items);
    }

    public static Sequence of(Kind kind, List<? extends Object> items) {
        return new Sequence(kind, items);
    }

    public static Sequence tuple(Object... items) {
        return new Sequence(Kind.TUPLE, List.of(items));
    }

    public static Sequence lazy(List<? extends Object> items) {
        return new Sequence(Kind.GENERATOR, items);
    }

    public Kind kind() {
        return kind;
    }

    public boolean indexed() {
        return kind == Kind.TUPLE || kind == Kind.RANGE;
    }

    @Override
    public Object get(int index) {
        return items.get(index);
    }

    @Override
    public int size() {
        return items.size();
    }
}
