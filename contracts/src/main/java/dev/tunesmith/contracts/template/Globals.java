package dev.tunesmith.contracts.template;

import dev.tunesmith.contracts.jinja.Arguments;
import dev.tunesmith.contracts.jinja.Callable;
import dev.tunesmith.contracts.jinja.Effort;
import dev.tunesmith.contracts.jinja.Limits;
import dev.tunesmith.contracts.jinja.Membered;
import dev.tunesmith.contracts.jinja.Members;
import dev.tunesmith.contracts.jinja.Namespace;
import dev.tunesmith.contracts.jinja.Nothing;
import dev.tunesmith.contracts.jinja.Numbers;
import dev.tunesmith.contracts.jinja.Sequence;
import dev.tunesmith.contracts.jinja.TemplateException;
import dev.tunesmith.contracts.jinja.Values;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The functions that every template can call.
final class Globals {
    private Globals() {}

    /// @param now what `strftime_now` shows
    static Map<String, Object> at(LocalDateTime now) {
        var all = new LinkedHashMap<String, Object>();
        all.put("range", (Callable) Globals::range);
        all.put("dict", new DictType());
        all.put("namespace", (Callable) Globals::namespace);
        all.put("raise_exception", (Callable) Globals::raise);
        all.put(
                "strftime_now",
                (Callable) arguments -> DateText.of(arguments.text(0, "format"), now));
        all.put("cycler", (Callable) arguments -> new Cycler(arguments.positional()));
        all.put("joiner", (Callable) Globals::joiner);
        all.put("lipsum", (Callable) arguments -> "");
        return all;
    }

    private static Object range(Arguments arguments) {
        int first = Numbers.requireInt(arguments.atMost(3).require(0, "start"));
        boolean one = arguments.positional().size() == 1;
        int start = one ? 0 : first;
        int stop = one ? first : Numbers.requireInt(arguments.require(1, "stop"));
        int step = arguments.integer(2, "step", 1);
        if (step == 0) {
            throw TemplateException.runtime("range step must not be zero");
        }
        long count =
                step > 0
                        ? Math.ceilDiv((long) stop - start, step)
                        : Math.ceilDiv((long) start - stop, -(long) step);
        Limits.checkItems(count);
        List<Object> items = new ArrayList<>();
        for (long i = 0; i < count; i++) {
            items.add(start + i * step);
        }
        return Sequence.of(Sequence.Kind.RANGE, items);
    }

    private static Object namespace(Arguments arguments) {
        var values = new LinkedHashMap<String, Object>();
        for (Object map : arguments.positional()) {
            if (map instanceof Map<?, ?> given) {
                Effort.items(given.size());
                given.forEach((key, value) -> values.put(Values.text(key), value));
            }
        }
        values.putAll(arguments.named());
        values.keySet().forEach(Namespace::checkName);
        return new Namespace(values);
    }

    private static Object raise(Arguments arguments) {
        throw TemplateException.of(
                TemplateException.Kind.RAISED,
                Values.text(arguments.atMost(1).require(0, "message")));
    }

    private static Object joiner(Arguments arguments) {
        String separator = arguments.text(0, "sep", ", ");
        boolean[] used = {false};
        return (Callable)
                _ -> {
                    String text = used[0] ? separator : "";
                    used[0] = true;
                    return text;
                };
    }

    /// The type `dict`, which is a function and has one itself.
    record DictType() implements Callable, Membered {
        @Override
        public @Nullable Object member(String name) {
            return name.equals("fromkeys") ? (Callable) Members::fromKeys : null;
        }

        @Override
        public Object call(Arguments arguments) {
            var map = new LinkedHashMap<Object, Object>();
            for (Object given : arguments.atMostPositional(1)) {
                if (given instanceof Map<?, ?> other) {
                    Effort.items(other.size());
                    map.putAll(other);
                } else {
                    for (Object pair : Values.items(given)) {
                        List<Object> two = Values.items(pair);
                        if (two.size() != 2) {
                            throw TemplateException.runtime("expected pairs");
                        }
                        map.put(two.getFirst(), two.getLast());
                    }
                }
            }
            map.putAll(arguments.named());
            return map;
        }
    }

    /// Gives its values in turn.
    static final class Cycler implements Membered {
        private final List<Object> values;
        private int at;

        private Cycler(List<Object> values) {
            if (values.isEmpty()) {
                throw TemplateException.runtime("at least one item has to be provided");
            }
            this.values = values;
        }

        @Override
        public @Nullable Object member(String name) {
            return switch (name) {
                case "current" -> values.get(at);
                case "next" ->
                        (Callable)
                                _ -> {
                                    Object value = values.get(at);
                                    at = (at + 1) % values.size();
                                    return value;
                                };
                case "reset" ->
                        (Callable)
                                _ -> {
                                    at = 0;
                                    return Nothing.NONE;
                                };
                default -> null;
            };
        }
    }
}
