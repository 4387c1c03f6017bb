package dev.tunesmith.platform.objects;

import java.time.Duration;

/// How long a store that says nothing is waited for.
///
/// @param connect for a connection
/// @param answer for the next byte, in either direction
/// @param joining for the server to make one object of the parts of a long upload, which it may do
///   without a word
/// @param patience after which a request that failed is not begun again
public record S3Waits(Duration connect, Duration answer, Duration joining, Duration patience) {
    /// A store that hangs is given up after about 50 seconds, one that refuses within a second.
    public static final S3Waits USUAL =
            new S3Waits(
                    Duration.ofSeconds(3),
                    Duration.ofSeconds(25),
                    Duration.ofMinutes(2),
                    Duration.ofSeconds(45));
}
