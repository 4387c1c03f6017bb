package dev.tunesmith.inference.weights;

import dev.tunesmith.contracts.serving.ServingGrant;
import dev.tunesmith.engine.decode.Batcher;
import dev.tunesmith.inference.web.Refusal;
import dev.tunesmith.platform.objects.ObjectStoreException;
import jakarta.annotation.PreDestroy;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import org.jboss.logging.Logger;

/// The models in memory, loaded at their first request. Adapters share the weights of their base.
/// When more bases are wanted than may be in memory, the one unused longest is unloaded once
/// nothing runs on it.
@Singleton
public final class Models {
    private static final Logger LOG = Logger.getLogger(Models.class);

    private final ModelFolders folders;
    private final ModelLoader loader;
    private final Batcher batcher;
    private final int basesMax;
    private final Map<String, Entry> entries = new LinkedHashMap<>(16, 0.75f, true);

    Models(ModelFolders folders, ModelLoader loader, Batcher batcher, ServingSettings settings) {
        this.folders = folders;
        this.loader = loader;
        this.batcher = batcher;
        this.basesMax = settings.modelsMax();
    }

    /// The model that a grant names, for one request. The lease keeps it in memory until it is
    /// closed.
    ///
    /// @throws Refusal when it cannot be loaded
    public Lease lease(ServingGrant grant) throws InterruptedException {
        Entry entry = enter(grant.base().manifestSha256());
        try {
            Served served = entry.served(grant);
            return new Lease(served, entry);
        } catch (IOException | UncheckedIOException e) {
            leave(entry);
            LOG.errorf("model %s cannot be served: %s", grant.model(), e.getMessage());
            throw Refusal.unavailable(
                    "The model " + grant.model() + " cannot be served: " + e.getMessage());
        } catch (ObjectStoreException e) {
            leave(entry);
            LOG.errorf(e, "model %s cannot be fetched", grant.model());
            throw Refusal.unavailable(
                    e.code() == ObjectStoreException.Code.CORRUPT
                            ? "The model %s cannot be served: %s"
                                    .formatted(grant.model(), e.getMessage())
                            : "The files of model " + grant.model() + " cannot be read now");
        } catch (RuntimeException e) {
            leave(entry);
            throw e;
        }
    }

    private synchronized Entry enter(String base) throws InterruptedException {
        Entry entry = entries.computeIfAbsent(base, _ -> new Entry());
        entry.users++;
        makeRoom();
        return entry;
    }

    private synchronized void leave(Entry entry) {
        entry.users--;
    }

    private void makeRoom() throws InterruptedException {
        if (entries.size() <= basesMax) {
            return;
        }
        Optional<Map.Entry<String, Entry>> idle =
                entries.entrySet().stream().filter(e -> e.getValue().users == 0).findFirst();
        if (idle.isPresent()) {
            entries.remove(idle.get().getKey());
            idle.get().getValue().close();
        }
    }

    /// Unloads everything. When the device thread has gone first, the end of the process frees the
    /// memory.
    @PreDestroy
    synchronized void closeAll() throws InterruptedException {
        for (Entry entry : entries.values()) {
            entry.close();
        }
        entries.clear();
    }

    /// A model in use.
    public final class Lease implements AutoCloseable {
        private final Served served;
        private final Entry entry;

        private Lease(Served served, Entry entry) {
            this.served = served;
            this.entry = entry;
        }

        public Served served() {
            return served;
        }

        @Override
        public void close() {
            leave(entry);
        }
    }

    /// One base with its adapters. Loading holds the entry's own lock, so that other models go on
    /// meanwhile.
    private final class Entry {
        private final Map<String, Served> adapters = new HashMap<>();
        private Optional<ModelLoader.Loaded> base = Optional.empty();
        private int users;

        private synchronized Served served(ServingGrant grant)
                throws IOException, InterruptedException {
            if (base.isEmpty()) {
                Path folder = folders.fetch(grant.base());
                base = Optional.of(onDevice(() -> loader.load(folder)));
                LOG.infof("loaded %s", grant.base().manifestKey());
            }
            ServingGrant.Weights wanted = grant.adapter();
            if (wanted == null) {
                return base.get().plain();
            }
            Served known = adapters.get(wanted.manifestSha256());
            if (known != null) {
                return known;
            }
            Path folder = folders.fetch(wanted);
            ModelLoader.Loaded weights = base.get();
            Served served = onDevice(() -> weights.with(folder));
            adapters.put(wanted.manifestSha256(), served);
            return served;
        }

        private synchronized void close() throws InterruptedException {
            if (base.isPresent() && batcher.isOpen()) {
                ModelLoader.Loaded weights = base.get();
                base = Optional.empty();
                adapters.clear();
                try {
                    Object _ =
                            onDevice(() -> {
                                weights.close();
                                return weights;
                            });
                } catch (IOException e) {
                    LOG.error("unloading a model failed", e);
                }
            }
        }

        private <T> T onDevice(java.util.concurrent.Callable<T> task)
                throws IOException, InterruptedException {
            try {
                return batcher.onDevice(task);
            } catch (ExecutionException e) {
                switch (e.getCause()) {
                    case IOException io -> throw io;
                    case OutOfMemoryError memory ->
                            throw new IOException(memory.getMessage(), memory);
                    case RuntimeException runtime ->
                            throw new IOException(runtime.getMessage(), runtime);
                    case null, default ->
                            throw new IllegalStateException("a task of the device failed", e);
                }
            }
        }
    }
}
