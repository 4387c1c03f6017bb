package dev.tunesmith.engine.gguf;

/// The order of the rows of queries and keys: in the halves of each head, as model folders have
/// them, or with the halves one row in turn, as GGUF files of the llama family have them.
///
/// @param rows of all heads
record HeadRows(int rows, int heads) {

    /// Where a row of a GGUF file stands in a model folder.
    int plain(int turned) {
        int headRows = rows / heads;
        int inHead = turned % headRows;
        return turned - inHead + inHead % 2 * (headRows / 2) + inHead / 2;
    }
}
