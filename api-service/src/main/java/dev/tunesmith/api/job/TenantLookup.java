package dev.tunesmith.api.job;

import dev.tunesmith.api.dataset.Files;
import dev.tunesmith.api.dataset.StoredFile;
import dev.tunesmith.api.model.Models;
import dev.tunesmith.contracts.id.FileId;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.contracts.job.Lookup;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.contracts.problem.Unstorable;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.json.JsonException;
import dev.tunesmith.platform.objects.ObjectStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/// What the rules for a create body ask about a tenant's files and models.
record TenantLookup(Handle handle, TenantId tenant, ObjectStore objects) implements Lookup {
    private static final Pattern ENTRY = Pattern.compile("x_training\\.data\\.(\\d{1,2})\\.file");
    private static final long DOCUMENT_BYTES_MAX = 1 << 20;

    @Override
    public Set<String> models() {
        return Models.trainable(handle, tenant);
    }

    @Override
    public boolean readable(String model) {
        return Models.readable(handle, tenant, model);
    }

    @Override
    public FileState file(FileId file) {
        Optional<StoredFile> found = Files.find(handle, tenant, file);
        if (found.isEmpty()) {
            return FileState.MISSING;
        }
        if (!found.get().isTrainingData()) {
            return FileState.WRONG_PURPOSE;
        }
        return found.get().report().ok() ? FileState.READY : FileState.BROKEN;
    }

    @Override
    public Optional<FileId> named(String fileName) {
        return Unstorable.is(fileName) ? Optional.empty() : Files.named(handle, tenant, fileName);
    }

    @Override
    public Optional<Map<String, Object>> document(FileId file) {
        Optional<StoredFile> found = Files.find(handle, tenant, file);
        if (found.isEmpty() || found.get().content().bytes() > DOCUMENT_BYTES_MAX) {
            return Optional.empty();
        }
        try {
            return Optional.of(
                    Json.tree(objects.get(found.get().content().key(), DOCUMENT_BYTES_MAX)));
        } catch (JsonException _) {
            return Optional.empty();
        }
    }

    /// The problems, and behind each that concerns a file's rows what is wrong with the rows.
    List<Problem> withRows(List<Problem> problems, Map<String, Object> tree) {
        var all = new ArrayList<Problem>();
        for (var problem : problems) {
            all.add(problem);
            String param = problem.param();
            if (problem.code() == ProblemCode.INVALID_TRAINING_FILE && param != null) {
                rows(named(tree, param)).forEach(row -> all.add(about(param, row)));
            }
        }
        return all;
    }

    /// The value that a param names: a key of the body, or the file of an entry of the data.
    private static @Nullable Object named(Map<String, Object> tree, String param) {
        Matcher entry = ENTRY.matcher(param);
        if (!entry.matches()) {
            return tree.get(param);
        }
        return tree.get("x_training") instanceof Map<?, ?> training
                        && training.get("data") instanceof List<?> data
                        && data.get(Integer.parseInt(entry.group(1))) instanceof Map<?, ?> file
                ? file.get("file")
                : null;
    }

    private List<Problem> rows(@Nullable Object file) {
        return FileId.find(String.valueOf(file))
                .flatMap(id -> Files.find(handle, tenant, id))
                .map(found -> found.report().problems())
                .orElse(List.of());
    }

    private static Problem about(String param, Problem row) {
        String within = row.param();
        return new Problem(
                row.code(),
                within == null ? param : param + ":" + within,
                row.message(),
                row.suggestion(),
                row.line());
    }
}
