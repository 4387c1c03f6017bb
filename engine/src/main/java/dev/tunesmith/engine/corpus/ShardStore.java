package dev.tunesmith.engine.corpus;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/// Keeps the tokens of files for the next who reads them in the same way.
public interface ShardStore {

    /// Keeps nothing.
    ShardStore NONE =
            new ShardStore() {
                @Override
                public Optional<Path> find(String source, String key) {
                    return Optional.empty();
                }

                @Override
                public void keep(String source, String key, Path shard) {}
            };

    /// A local copy of what was kept under a key, its bytes proven.
    ///
    /// @param source SHA-256 of the file
    /// @param key of the tokens: everything that they depend on, hashed
    Optional<Path> find(String source, String key) throws IOException;

    /// Keeps a shard. That it cannot is no failure: the tokens are there.
    void keep(String source, String key, Path shard) throws IOException;
}
