package dev.tunesmith.api.web;

import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.contracts.problem.ProblemCode;
import io.vertx.core.http.HttpServerResponse;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/// What a tenant may ask for within a minute: requests, and tokens of its chats and completions.
///
/// Each replica counts for itself. Every answer says in OpenAI's headers what is left. Tokens are
/// counted when a request comes in, by the length of its body and the longest answer that it
/// allows. What batches ask is not counted here: they wait in a queue with a limit of its own.
@Singleton
public final class RateLimits {
    private static final int BYTES_PER_TOKEN = 4;
    private static final Duration WAIT_MAX = Duration.ofSeconds(60);

    private final Limits limits;
    private final Map<TenantId, Bucket> requests = new ConcurrentHashMap<>();
    private final Map<TenantId, Bucket> tokens = new ConcurrentHashMap<>();

    RateLimits(Limits limits) {
        this.limits = limits;
    }

    /// Counts a request.
    ///
    /// @throws ApiException with 429 when the tenant has used up its minute
    public void request(TenantId tenant, HttpServerResponse answer) {
        Bucket bucket =
                requests.computeIfAbsent(
                        tenant, _ -> new Bucket(limits.requestsPerMinute(), System.nanoTime()));
        settle(bucket.take(1, System.nanoTime()), "requests", answer);
    }

    /// Counts the tokens of a chat or completion.
    ///
    /// @param bytes length of the request's body
    /// @param answerMax tokens that all its answers together may have
    /// @throws ApiException with 429 when the tenant has used up its minute
    public void tokens(TenantId tenant, long bytes, long answerMax, HttpServerResponse answer) {
        Bucket bucket =
                tokens.computeIfAbsent(
                        tenant, _ -> new Bucket(limits.tokensPerMinute(), System.nanoTime()));
        long amount = tokensOf(bytes) + answerMax;
        settle(bucket.take(amount, System.nanoTime()), "tokens", answer);
    }

    /// Tokens of a question, by its length.
    public static long tokensOf(long bytes) {
        return Math.ceilDiv(bytes, BYTES_PER_TOKEN);
    }

    private static void settle(Bucket.Level level, String unit, HttpServerResponse answer) {
        answer.putHeader("x-ratelimit-limit-" + unit, Long.toString(level.limit()))
                .putHeader("x-ratelimit-remaining-" + unit, Long.toString(level.remaining()))
                .putHeader("x-ratelimit-reset-" + unit, text(level.untilFull()));
        if (!level.granted()) {
            Duration wait =
                    level.untilGranted().compareTo(WAIT_MAX) > 0 ? WAIT_MAX : level.untilGranted();
            answer.putHeader("retry-after-ms", Long.toString(Math.max(1, wait.toMillis())));
            answer.putHeader("retry-after", Long.toString(Math.ceilDiv(wait.toMillis(), 1000)));
            throw ApiException.of(
                    ProblemCode.RATE_LIMIT_EXCEEDED,
                    "This project has used its %d %s of this minute; try again in %s"
                            .formatted(level.limit(), unit, text(wait)));
        }
    }

    /// A time as OpenAI writes it: `340ms`, `6s`, `1m0s`.
    static String text(Duration time) {
        if (time.compareTo(Duration.ofSeconds(1)) < 0) {
            return time.toMillis() + "ms";
        }
        long minutes = time.toMinutes();
        return (minutes == 0 ? "" : minutes + "m") + time.toSecondsPart() + "s";
    }
}
