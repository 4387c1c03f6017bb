package dev.tunesmith.contracts.jinja;

/// Something that can be called: a macro, a method of a value, a global function.
@FunctionalInterface
public interface Callable {
    Object call(Arguments arguments);
}
