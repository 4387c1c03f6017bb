package dev.tunesmith.contracts.job;

import dev.tunesmith.contracts.id.FileId;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// What a check of a create body asks the world.
public interface Lookup {
    /// Names of the models that the tenant may train.
    Set<String> models();

    /// Whether the tenant has a model of that name that another job may read: a base model or a
    /// trained one.
    default boolean readable(String model) {
        return models().contains(model);
    }

    /// What is known of a file of the tenant.
    FileState file(FileId file);

    /// The tenant's newest training file that was uploaded with this name.
    default Optional<FileId> named(String fileName) {
        return Optional.empty();
    }

    /// The JSON object in a file of the tenant; empty if there is none.
    default Optional<Map<String, Object>> document(FileId file) {
        return Optional.empty();
    }

    /// A world in which every file can be trained on, for checks far from the files.
    record AnyFile(Set<String> models) implements Lookup {
        @Override
        public FileState file(FileId file) {
            return FileState.READY;
        }
    }

    /// Whether a file can be trained on.
    enum FileState {
        READY,
        /// Its rows are still being checked. A job may be created: it waits for the verdict.
        CHECKING,
        /// Its rows were refused as they were recognised. A job that names their kind, columns or
        /// tags may be created: it has them checked as it reads them.
        BROKEN,
        /// Uploaded for something else.
        WRONG_PURPOSE,
        /// Unknown, or of another tenant.
        MISSING
    }
}
