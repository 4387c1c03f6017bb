package dev.tunesmith.engine.corpus;

import dev.tunesmith.contracts.mixture.DataFile;
import dev.tunesmith.contracts.mixture.Reading;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// A local file of rows, and what is taken of it.
///
/// @param name what it is called in notes and problems
/// @param numSamples so many rows are drawn by lot; null takes all
/// @param maxSamples the first so many of those; null takes all
public record CorpusFile(
        Path path,
        String name,
        Reading reading,
        @Nullable Integer numSamples,
        @Nullable Integer maxSamples) {

    /// All rows of a file.
    public static CorpusFile whole(Path path, String name, Reading reading) {
        return new CorpusFile(path, name, reading, null, null);
    }

    /// A file of a plan.
    public static CorpusFile of(Path path, DataFile file) {
        return new CorpusFile(
                path, file.shown(), file.reading(), file.numSamples(), file.maxSamples());
    }
}
