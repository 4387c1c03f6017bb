package dev.tunesmith.engine.corpus;

import dev.tunesmith.contracts.mixture.DataFile;
import dev.tunesmith.contracts.mixture.Reading;
import dev.tunesmith.engine.rows.RowSource;
import org.jspecify.annotations.Nullable;

/// A file of rows, and what is taken of it.
///
/// @param source nothing of it is read where its tokens are known
/// @param name what it is called in notes and problems
/// @param numSamples so many rows are drawn by lot; null takes all
/// @param maxSamples the first so many of those; null takes all
public record CorpusFile(
        RowSource source,
        String name,
        Reading reading,
        @Nullable Integer numSamples,
        @Nullable Integer maxSamples) {

    /// All rows of a file.
    public static CorpusFile whole(RowSource source, String name, Reading reading) {
        return new CorpusFile(source, name, reading, null, null);
    }

    /// All rows of a file under the name that it has.
    public static CorpusFile whole(RowSource source, Reading reading) {
        return whole(source, source.name().getFileName().toString(), reading);
    }

    /// A file of a plan.
    public static CorpusFile of(RowSource source, DataFile file) {
        String named = file.name();
        return new CorpusFile(
                source,
                named == null ? source.name().getFileName().toString() : named,
                file.reading(),
                file.numSamples(),
                file.maxSamples());
    }
}
