package dev.tunesmith.contracts.jinja;

/// A value that is not there: it prints as nothing, is false and empty, and fails in any operation.
///
/// @param what how an error names it
/// @param forbidden it is there, but out of reach
public record Undefined(String what, boolean forbidden) {
    public static Undefined name(String name) {
        return new Undefined("'" + name + "' is undefined", false);
    }

    public static Undefined member(Object of, Object key) {
        return new Undefined(
                "%s has no member %s".formatted(Values.type(of), Values.repr(key)), false);
    }

    public static Undefined forbidden(String name) {
        return new Undefined("access to '" + name + "' is not safe", true);
    }

    public TemplateException failure() {
        return TemplateException.of(
                forbidden ? TemplateException.Kind.SECURITY : TemplateException.Kind.UNDEFINED,
                what);
    }
}
