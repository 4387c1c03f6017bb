package dev.tunesmith.api.dataset;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// One range of bytes that a client wants (RFC 9110, section 14).
///
/// @param offset first byte
/// @param length how many, at least 1
record ByteRange(long offset, long length) {
    private static final Pattern FORM = Pattern.compile("bytes=([0-9]{0,18})-([0-9]{0,18})");

    /// What a `Range` header asks of a content of the given size.
    sealed interface Wanted {
        /// No range, or one of a form that a server may ignore: the whole content.
        record Everything() implements Wanted {}

        record Part(ByteRange range) implements Wanted {}

        /// A range that lies behind the end.
        record Unsatisfiable() implements Wanted {}
    }

    static Wanted of(@Nullable String header, long size) {
        Matcher matcher = FORM.matcher(header == null ? "" : header.strip());
        if (!matcher.matches()) {
            return new Wanted.Everything();
        }
        Optional<Long> first = number(matcher.group(1));
        Optional<Long> last = number(matcher.group(2));
        if (first.isEmpty() && last.isEmpty()) {
            return new Wanted.Everything();
        }
        if (first.isEmpty()) {
            long length = Math.min(last.orElseThrow(), size);
            return length == 0
                    ? new Wanted.Unsatisfiable()
                    : new Wanted.Part(new ByteRange(size - length, length));
        }
        long from = first.get();
        long to = Math.min(last.orElse(size - 1), size - 1);
        if (last.isPresent() && last.get() < from) {
            return new Wanted.Everything();
        }
        return from >= size
                ? new Wanted.Unsatisfiable()
                : new Wanted.Part(new ByteRange(from, to - from + 1));
    }

    /// The value of `Content-Range`.
    String header(long size) {
        return "bytes %d-%d/%d".formatted(offset, offset + length - 1, size);
    }

    private static Optional<Long> number(String digits) {
        return digits.isEmpty() ? Optional.empty() : Optional.of(Long.parseLong(digits));
    }
}
