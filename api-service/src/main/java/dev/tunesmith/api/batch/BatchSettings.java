package dev.tunesmith.api.batch;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/// How batches are worked off.
@ConfigMapping(prefix = "tunesmith.batches")
public interface BatchSettings {
    /// Batches that one replica answers at the same time.
    @WithDefault("2")
    int workers();

    /// Requests of one batch at the same time.
    @WithDefault("8")
    int parallel();

    /// Lines that are answered before it is another batch's turn.
    @WithDefault("64")
    int partLines();

    /// Requests of a batch.
    @WithDefault("50000")
    int linesMax();

    /// Batches of a project that have not ended.
    @WithDefault("100")
    int openPerTenant();

    /// Tokens of the questions in all batches of a project that wait for the same model; a batch
    /// counts as a whole until it has ended.
    @WithDefault("200000000")
    long queuedTokens();

    /// How long a batch may take; what is not answered by then has expired.
    @WithDefault("24h")
    Duration window();

    /// How long a worker that says nothing keeps a batch.
    @WithDefault("60s")
    Duration lease();

    /// How often idle workers look for a batch, and busy ones say that they are there.
    @WithDefault("1s")
    Duration every();

    /// Longest pause before a line is asked again while the model is overloaded or away.
    @WithDefault("30s")
    Duration pauseMax();
}
