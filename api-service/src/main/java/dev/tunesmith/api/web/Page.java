package dev.tunesmith.api.web;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.tunesmith.contracts.problem.ProblemCode;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// One page of a list in OpenAI's cursor dialect.
///
/// A page past the last item is empty and no error, because the Java SDK stops only there.
@JsonInclude(JsonInclude.Include.ALWAYS)
public record Page<T>(
        String object,
        List<T> data,
        boolean hasMore,
        @Nullable String firstId,
        @Nullable String lastId) {
    public Page {
        data = List.copyOf(data);
    }

    /// Cuts what a query for one row more than the limit has found.
    public static <T> Page<T> of(List<T> found, int limit, Function<T, String> id) {
        boolean more = found.size() > limit;
        List<T> data = more ? found.subList(0, limit) : found;
        return new Page<>(
                "list",
                data,
                more,
                data.isEmpty() ? null : id.apply(data.getFirst()),
                data.isEmpty() ? null : id.apply(data.getLast()));
    }

    /// The page size that a client asked for.
    public static int limit(@Nullable String asked, int fallback, int max) {
        if (asked == null) {
            return fallback;
        }
        int limit = number(asked).orElse(0);
        if (limit < 1 || limit > max) {
            throw ApiException.of(
                    ProblemCode.INVALID_VALUE,
                    "limit",
                    "limit must be an integer from 1 to %d, found '%s'".formatted(max, asked));
        }
        return limit;
    }

    /// Whether a client asked for the oldest first; newest first is the default.
    public static boolean isAscending(@Nullable String order) {
        if (order == null || order.equals("desc")) {
            return false;
        }
        if (order.equals("asc")) {
            return true;
        }
        throw ApiException.of(
                ProblemCode.INVALID_VALUE,
                "order",
                "order must be 'asc' or 'desc', found '%s'".formatted(order));
    }

    private static Optional<Integer> number(String text) {
        try {
            return Optional.of(Integer.parseInt(text));
        } catch (NumberFormatException _) {
            return Optional.empty();
        }
    }
}
