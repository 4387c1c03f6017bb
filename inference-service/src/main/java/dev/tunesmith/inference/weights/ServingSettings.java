package dev.tunesmith.inference.weights;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import io.smallrye.config.WithName;
import java.nio.file.Path;

/// Limits of the serving engine.
@ConfigMapping(prefix = "tunesmith")
public interface ServingSettings {
    /// Folder of the local copies of model files.
    @WithDefault("${java.io.tmpdir}/tunesmith-inference")
    Path workDir();

    /// What models compute on: `cpu`, `cuda`, `cuda:N`, or `auto`.
    @WithDefault("cpu")
    String device();

    /// Types of the weights that models are held in: `bf16`, `q8_0` or `q4_k_m`. Adapters that were
    /// trained beside codes are served beside those.
    @WithDefault("bf16")
    String weights();

    /// Sequences in one step.
    @WithName("serving.running-max")
    @WithDefault("32")
    int runningMax();

    /// Requests that wait for a place, more are answered with 503.
    @WithName("serving.waiting-max")
    @WithDefault("256")
    int waitingMax();

    /// Decode tokens and prompt chunks of one step together.
    @WithName("serving.tokens-per-step")
    @WithDefault("512")
    int tokensPerStep();

    /// How long running answers may go on after SIGTERM.
    @WithName("serving.drain-seconds")
    @WithDefault("15")
    int drainSeconds();

    /// Tokens of key-value cache for each model, shared by its sequences; fewer where a device has
    /// no room for them.
    @WithName("serving.cache-tokens")
    @WithDefault("65536")
    int cacheTokens();

    /// Base models in memory; the one unused longest makes room.
    @WithName("serving.models-max")
    @WithDefault("4")
    int modelsMax();

    /// Local copies of model files together; those unused longest make room.
    @WithName("serving.copies-max")
    @WithDefault("64G")
    MemorySize copiesMax();
}
