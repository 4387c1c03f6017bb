package dev.tunesmith.inference.weights;

import java.io.IOException;
import java.nio.file.Path;

/// Brings a folder in Hugging Face layout into memory. Called on the device thread.
public interface ModelLoader {
    /// Loads a folder.
    ///
    /// @throws IOException when the folder is no model that can be served; the message says why
    Loaded load(Path folder) throws IOException;

    /// Weights in memory that adapters share.
    interface Loaded extends AutoCloseable {
        /// The weights alone.
        Served plain();

        /// The same weights with an adapter on top.
        ///
        /// @param folder in PEFT layout
        Served with(Path folder) throws IOException;

        @Override
        void close();
    }
}
