package dev.tunesmith.contracts.optim;

import java.util.List;

/// One setting of an optimizer: its name on the wire, what it may be and what it usually is.
public sealed interface Setting {

    /// The key in the object form of `x_training.optimizer`.
    String key();

    /// The value of a job that does not say.
    Object usual();

    /// A number in a range.
    ///
    /// @param open whether `max` itself is left out
    record Real(String key, double usualNumber, double min, double max, boolean open)
            implements Setting {
        @Override
        public Object usual() {
            return usualNumber;
        }
    }

    /// A whole number in a range.
    record Whole(String key, int usualNumber, int min, int max) implements Setting {
        @Override
        public Object usual() {
            return usualNumber;
        }
    }

    /// Yes or no.
    record Flag(String key, boolean usualAnswer) implements Setting {
        @Override
        public Object usual() {
            return usualAnswer;
        }
    }

    /// A name that the setting does not know beforehand.
    record Name(String key, String usualName) implements Setting {
        @Override
        public Object usual() {
            return usualName;
        }
    }

    /// One of a few words; the first is the usual one.
    record Word(String key, List<String> words) implements Setting {
        public Word {
            words = List.copyOf(words);
        }

        @Override
        public Object usual() {
            return words.getFirst();
        }
    }
}
