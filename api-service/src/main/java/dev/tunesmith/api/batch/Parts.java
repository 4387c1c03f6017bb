package dev.tunesmith.api.batch;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tunesmith.contracts.id.BatchId;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.platform.objects.ObjectStoreException;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// The answered parts of batches in the object store, each under the offset of its first line.
@Singleton
final class Parts {
    private static final int PAGE = 1000;
    private static final long BYTES_MAX = 1L << 30;

    private final ObjectStore objects;

    Parts(ObjectStore objects) {
        this.objects = objects;
    }

    /// Answers to lines that follow each other.
    ///
    /// @param nextByte offset of the line behind them
    /// @param nextLine its number
    record Part(long nextByte, int nextLine, List<AnswerLine> lines) {
        Part {
            lines = List.copyOf(lines);
        }

        /// What it adds to a batch.
        Batch.Counts counts() {
            int good = (int) lines.stream().filter(AnswerLine::ok).count();
            return new Batch.Counts(
                    lines.size(),
                    good,
                    lines.size() - good,
                    lines.stream().mapToLong(line -> line.tokens("prompt_tokens")).sum(),
                    lines.stream().mapToLong(line -> line.tokens("completion_tokens")).sum());
        }
    }

    /// Stores a part, unless one is there: the one that is there counts.
    Part keep(TenantId tenant, BatchId batch, long offset, Part part) {
        try {
            objects.put(key(tenant, batch, offset), Json.bytes(part));
            return part;
        } catch (ObjectStoreException e) {
            if (e.code() != ObjectStoreException.Code.EXISTS) {
                throw e;
            }
            return find(tenant, batch, offset).orElseThrow(() -> e);
        }
    }

    /// The part that begins at an offset.
    Optional<Part> find(TenantId tenant, BatchId batch, long offset) {
        String key = key(tenant, batch, offset);
        return objects.head(key).map(_ -> read(key));
    }

    /// The lines of all parts that belong into one of the two files, a part at a time.
    Stream<byte[]> lines(TenantId tenant, BatchId batch, boolean ok) {
        return keys(tenant, batch).stream()
                .map(key -> text(read(key).lines().stream().filter(line -> line.ok() == ok)));
    }

    /// Lines as they stand in a file.
    static byte[] text(Stream<AnswerLine> lines) {
        return lines.map(line -> Json.text(line) + "\n")
                .collect(Collectors.joining())
                .getBytes(UTF_8);
    }

    /// Forgets all parts.
    void delete(TenantId tenant, BatchId batch) {
        objects.deleteAll(keys(tenant, batch));
    }

    private List<String> keys(TenantId tenant, BatchId batch) {
        String prefix = prefix(tenant, batch);
        var keys = new ArrayList<String>();
        String after = "";
        for (List<ObjectStore.Head> page = objects.list(prefix, after, PAGE);
                !page.isEmpty();
                page = objects.list(prefix, after, PAGE)) {
            page.forEach(head -> keys.add(head.key()));
            after = keys.getLast();
        }
        return keys;
    }

    private Part read(String key) {
        return Json.read(objects.get(key, BYTES_MAX), Part.class);
    }

    private static String key(TenantId tenant, BatchId batch, long offset) {
        return prefix(tenant, batch) + "%015d.json".formatted(offset);
    }

    private static String prefix(TenantId tenant, BatchId batch) {
        return "t/%s/batches/%s/".formatted(tenant.value(), batch.value());
    }
}
