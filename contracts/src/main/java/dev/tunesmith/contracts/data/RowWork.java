package dev.tunesmith.contracts.data;

import dev.tunesmith.contracts.dataset.UsualRow;
import dev.tunesmith.contracts.twin.RowPrint;
import java.io.IOException;
import java.util.Map;

/// What is done with the rows of a part of a file in the pass that checks them, so that a file is
/// read and parsed once.
public interface RowWork {

    /// The work on a part that follows.
    RowWork following();

    /// The row that one of the file stands for, or why it cannot be used.
    UsualRow meant(Map<String, Object> given);

    /// Takes a row that is in order.
    ///
    /// @param print of what it says
    /// @param row as it is meant
    /// @param usual the same in the usual shape
    void row(long number, RowPrint print, Map<String, Object> row, Map<String, Object> usual);

    /// Hands over what was made of the part. Parts are settled one after the other, in the order of
    /// the file.
    void settle() throws IOException;
}
