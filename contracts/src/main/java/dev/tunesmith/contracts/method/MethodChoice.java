package dev.tunesmith.contracts.method;

import java.util.Set;
import java.util.TreeSet;

/// The settings of a job's method, and which of them were asked for.
///
/// @param given keys of the create body; all others have their default
public record MethodChoice(MethodSettings settings, Set<String> given) {
    public MethodChoice {
        given = java.util.Collections.unmodifiableSet(new TreeSet<>(given));
    }

    /// Nothing asked for.
    public static MethodChoice of(Method method) {
        return new MethodChoice(method.defaults(), Set.of());
    }
}
