package dev.tunesmith.platform.objects;

import java.io.IOException;

/// The store has pointed to another place, which is not asked: it would get our signature and our
/// data.
final class RedirectException extends IOException {
    private static final long serialVersionUID = 1L;

    private final String words;

    RedirectException(int status, String location) {
        super("redirected");
        this.words =
                "the store answered %d and points to %s, which is not followed; set the address of the store itself, and its region"
                        .formatted(status, location);
    }

    /// What happened and what to do.
    String words() {
        return words;
    }
}
