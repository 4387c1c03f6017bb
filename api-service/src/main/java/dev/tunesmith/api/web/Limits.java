package dev.tunesmith.api.web;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/// Every limit that a client can run into at the HTTP edge.
@ConfigMapping(prefix = "tunesmith.limits")
public interface Limits {
    /// A JSON body of any path that has no limit of its own.
    @WithDefault("1M")
    MemorySize jsonBody();

    /// A chat or completion request.
    @WithDefault("8M")
    MemorySize chatBody();

    /// A file that comes through a multipart form.
    @WithDefault("512M")
    MemorySize fileForm();

    /// A model that comes as a tar stream.
    @WithDefault("512G")
    MemorySize modelImport();

    /// One file name, as the client wrote it.
    @WithDefault("255")
    int fileNameMax();

    /// How often a quiet event stream says that it lives.
    @WithDefault("15s")
    Duration ping();

    /// Live event streams of one key.
    @WithDefault("32")
    int streamsPerKey();

    /// Uploads of one tenant at the same time.
    @WithDefault("8")
    int uploadsPerTenant();

    /// Requests of one tenant within a minute.
    @WithDefault("6000")
    int requestsPerMinute();

    /// Tokens that the chats and completions of one tenant ask for within a minute.
    @WithDefault("4000000")
    long tokensPerMinute();

    /// Jobs of one tenant that wait or run.
    @WithDefault("1000")
    int openJobsPerTenant();
}
