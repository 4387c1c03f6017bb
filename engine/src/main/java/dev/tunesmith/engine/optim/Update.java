package dev.tunesmith.engine.optim;

import dev.tunesmith.engine.ops.WeightStep;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.Map;

/// How one parameter moves; owns the state of that parameter.
sealed interface Update
        permits AdamUpdate,
                RoundedAdam,
                EightBitAdam,
                FactoredUpdate,
                LionUpdate,
                DescentUpdate,
                MuonUpdate,
                ProjectedAdam,
                SubspaceScaling,
                MiniAdam,
                FreeAdam {

    /// Moves the weight once.
    void apply(WeightStep weight, Turn turn);

    /// Adds the state under the parameter's name.
    void addTo(String name, Map<String, Tensor> state);

    /// Turns a copy of the weight into what is to be measured and kept, and says whether that is
    /// another place than the one where gradients are taken.
    ///
    /// @param one the number 1 in fp32
    default boolean measured(Tensor point, Tensor one) {
        return false;
    }
}
