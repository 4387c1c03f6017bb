package dev.tunesmith.contracts.template;

import dev.tunesmith.contracts.jinja.Arguments;
import dev.tunesmith.contracts.jinja.Callable;
import dev.tunesmith.contracts.jinja.Membered;
import dev.tunesmith.contracts.jinja.Sequence;
import dev.tunesmith.contracts.jinja.TemplateException;
import dev.tunesmith.contracts.jinja.Undefined;
import dev.tunesmith.contracts.jinja.Values;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The variable `loop` inside a `for`.
final class Loop implements Callable, Membered {
    private final List<Object> items;
    private final int depth;
    private final Optional<Callable> again;
    private Object changed = Undefined.name("changed");
    private int index;

    /// A loop that stands at its first item.
    ///
    /// @param again runs the loop on other items, if it is recursive
    Loop(List<Object> items, int depth, Optional<Callable> again) {
        this.items = items;
        this.depth = depth;
        this.again = again;
    }

    void moveTo(int place) {
        index = place;
    }

    @Override
    public Object call(Arguments arguments) {
        return again.orElseThrow(
                        () -> TemplateException.runtime("this loop is not declared recursive"))
                .call(arguments);
    }

    @Override
    public @Nullable Object member(String name) {
        int size = items.size();
        return switch (name) {
            case "index" -> index + 1L;
            case "index0" -> (long) index;
            case "revindex" -> (long) (size - index);
            case "revindex0" -> (long) (size - index - 1);
            case "first" -> index == 0;
            case "last" -> index == size - 1;
            case "length" -> (long) size;
            case "depth" -> depth + 1L;
            case "depth0" -> (long) depth;
            case "previtem" -> index > 0 ? items.get(index - 1) : Undefined.name("loop.previtem");
            case "nextitem" ->
                    index + 1 < size ? items.get(index + 1) : Undefined.name("loop.nextitem");
            case "cycle" -> (Callable) this::cycle;
            case "changed" -> (Callable) this::change;
            default -> null;
        };
    }

    private Object cycle(Arguments arguments) {
        List<Object> values = arguments.positional();
        if (values.isEmpty()) {
            throw TemplateException.runtime("no items for cycling given");
        }
        return values.get(index % values.size());
    }

    private Object change(Arguments arguments) {
        Object now = Sequence.of(Sequence.Kind.TUPLE, arguments.positional());
        boolean different = changed instanceof Undefined || !Values.equal(changed, now);
        changed = now;
        return different;
    }
}
