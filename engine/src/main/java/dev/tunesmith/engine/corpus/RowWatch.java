package dev.tunesmith.engine.corpus;

import dev.tunesmith.contracts.data.DatasetStats;
import dev.tunesmith.contracts.data.FileInspection;
import dev.tunesmith.contracts.data.RowSummary;

/// Looks at the rows of each file of a corpus in the pass that checks them.
public interface RowWatch {

    /// The inspection of a file that is about to be read.
    FileInspection begin(CorpusFile file);

    /// A file was read.
    ///
    /// @param rows what was found, all problems counted and none listed
    void end(CorpusFile file, RowSummary rows, DatasetStats stats);
}
