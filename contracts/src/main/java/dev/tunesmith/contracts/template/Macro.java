package dev.tunesmith.contracts.template;

import dev.tunesmith.contracts.jinja.Arguments;
import dev.tunesmith.contracts.jinja.Callable;
import dev.tunesmith.contracts.jinja.Membered;
import dev.tunesmith.contracts.jinja.Sequence;
import dev.tunesmith.contracts.jinja.Statement.MacroShape;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A macro that was defined, with the scope it sees.
record Macro(MacroShape shape, Callable body) implements Callable, Membered {
    @Override
    public Object call(Arguments arguments) {
        return body.call(arguments);
    }

    @Override
    public @Nullable Object member(String name) {
        return switch (name) {
            case "name" -> shape.name();
            case "arguments" -> {
                List<Object> names =
                        shape.parameters().stream().map(p -> (Object) p.name()).toList();
                yield Sequence.of(Sequence.Kind.TUPLE, names);
            }
            case "catch_kwargs" -> shape.uses().contains("kwargs");
            case "catch_varargs" -> shape.uses().contains("varargs");
            case "caller" -> shape.uses().contains("caller");
            default -> null;
        };
    }
}
