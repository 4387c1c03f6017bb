package dev.tunesmith.engine.nn;

import dev.tunesmith.engine.nn.prompt.Prefix;
import dev.tunesmith.engine.ops.CacheAttention;
import dev.tunesmith.engine.ops.DocumentAttention;
import dev.tunesmith.engine.ops.Rotation.Angles;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What attention sees beside its input.
public sealed interface Context {

    /// The angles of every rotary encoding that the model has.
    List<Angles> angles();

    /// Whole documents end to end: training and scoring.
    ///
    /// @param prefix learned keys and values before every document, or null
    /// @param groups what tokens see instead of their documents, or null
    record Whole(
            DocumentAttention.Documents documents,
            List<Angles> angles,
            @Nullable Prefix prefix,
            @Nullable Groups groups)
            implements Context {
        public Whole {
            angles = List.copyOf(angles);
        }

        /// Documents behind learned keys and values.
        public Whole(
                DocumentAttention.Documents documents,
                List<Angles> angles,
                @Nullable Prefix prefix) {
            this(documents, angles, prefix, null);
        }

        /// The same documents seen in groups.
        public Whole with(Groups others) {
            return new Whole(documents, angles, prefix, others);
        }

        /// Documents without anything learned before them.
        public Whole(DocumentAttention.Documents documents, List<Angles> angles) {
            this(documents, angles, null, null);
        }
    }

    /// New tokens of several sequences whose earlier keys and values are cached: decoding.
    ///
    /// @param keys_L keys of every layer
    /// @param values_L values of every layer
    /// @param prefix learned keys and values before new sequences, or null
    /// @param passed_L slots of the tokens that passed each layer, where not all tokens pass it
    record Cached(
            CacheAttention.Places places,
            List<Tensor> keys_L,
            List<Tensor> values_L,
            List<Angles> angles,
            @Nullable Prefix prefix,
            List<BitSet> passed_L)
            implements Context {
        public Cached {
            keys_L = List.copyOf(keys_L);
            values_L = List.copyOf(values_L);
            angles = List.copyOf(angles);
            passed_L = List.copyOf(passed_L);
        }

        /// The same with angles.
        public Cached with(List<Angles> turns) {
            return new Cached(places, keys_L, values_L, turns, prefix, passed_L);
        }

        /// The same for other new tokens.
        public Cached with(CacheAttention.Places others) {
            return new Cached(others, keys_L, values_L, angles, prefix, passed_L);
        }
    }
}
