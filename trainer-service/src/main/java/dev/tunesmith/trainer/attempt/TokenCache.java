package dev.tunesmith.trainer.attempt;

import dev.tunesmith.contracts.id.Sha256;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.engine.corpus.ShardStore;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.json.JsonException;
import dev.tunesmith.platform.objects.LocalCopies;
import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.platform.objects.ObjectStore.Stored;
import dev.tunesmith.platform.objects.ObjectStoreException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The tokens of a tenant's files in the object store, below `t/<tenant>/tokens/<SHA-256 of the
/// file>/`: the shard under its own hash, then a note that names it under the key of the tokens.
/// Another tenant's prefix is never looked at.
///
/// A note without its shard, or a shard with other bytes, counts as none: the tokens are made
/// again.
final class TokenCache implements ShardStore {

    private static final Logger LOG = LoggerFactory.getLogger(TokenCache.class);
    private static final long NOTE_BYTES_MAX = 4096;

    private final ObjectStore objects;
    private final LocalCopies copies;
    private final StoragePatience patience;
    private final TenantId tenant;

    TokenCache(ObjectStore objects, LocalCopies copies, StoragePatience patience, TenantId tenant) {
        this.objects = objects;
        this.copies = copies;
        this.patience = patience;
        this.tenant = tenant;
    }

    private String prefix(String source) {
        return "t/%s/tokens/%s/".formatted(tenant.value(), source);
    }

    @Override
    public Optional<Path> find(String source, String key) throws IOException {
        String name = prefix(source) + key + ".json";
        try {
            Optional<Stored> shard =
                    patience.of(
                            "looking for " + name,
                            () ->
                                    objects.head(name).isPresent()
                                            ? Optional.of(
                                                    Json.read(
                                                            objects.get(name, NOTE_BYTES_MAX),
                                                            Stored.class))
                                            : Optional.empty());
            return shard.isPresent() && shard.get().key().startsWith(prefix(source))
                    ? Optional.of(copies.file(shard.get()))
                    : Optional.empty();
        } catch (ObjectStoreException | JsonException e) {
            LOG.warn("tokens {} cannot be used: {}", name, e.getMessage());
            return Optional.empty();
        } catch (InterruptedException _) {
            throw interrupted();
        }
    }

    @Override
    public void keep(String source, String key, Path shard) throws IOException {
        try (InputStream content = Files.newInputStream(shard)) {
            String hash = Sha256.of(content);
            Stored stored =
                    patience.of(
                            "keeping tokens",
                            () -> objects.put(prefix(source) + hash + ".tokens", shard));
            Stored _ =
                    patience.of(
                            "keeping tokens",
                            () ->
                                    objects.put(
                                            prefix(source) + key + ".json",
                                            Json.canonical(stored)));
        } catch (ObjectStoreException e) {
            LOG.warn("tokens are not kept: {}", e.getMessage());
        } catch (InterruptedException _) {
            throw interrupted();
        }
    }

    private static IOException interrupted() {
        Thread.currentThread().interrupt();
        return new InterruptedIOException("stopped while tokens were fetched or kept");
    }
}
