package dev.tunesmith.contracts.template;

/// Something that can be called: a macro, a method of a value, a global function.
@FunctionalInterface
interface Callable {
    Object call(Arguments arguments);
}
