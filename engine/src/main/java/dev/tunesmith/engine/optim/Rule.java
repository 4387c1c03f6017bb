package dev.tunesmith.engine.optim;

import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import java.util.regex.Pattern;

/// An optimization method with its constants.
public sealed interface Rule {

    /// Names of tables and heads, which methods for matrices leave to AdamW.
    Pattern TABLE = Pattern.compile("embed|wte|wpe|lm_head|embd|output\\.weight|score\\.weight");

    /// State for one parameter, all zeros, in `region`.
    Update start(Parameter parameter, Region region);

    /// Whether a parameter is a matrix inside the model, not a table.
    static boolean inner(Parameter parameter) {
        return parameter.value().rank() == 2 && !TABLE.matcher(parameter.name()).find();
    }

    /// AdamW (arXiv 1711.05101).
    ///
    /// @param amsgrad the second moment never falls (arXiv 1904.09237)
    /// @param older epsilon before the bias correction and decay after the step, as the AdamW that
    ///   transformers had
    record AdamW(double beta1, double beta2, double epsilon, boolean amsgrad, boolean older)
            implements Rule {
        /// The constants of torch.
        public static final AdamW USUAL = new AdamW(0.9, 0.999, 1e-8);

        /// AdamW as torch computes it.
        public AdamW(double beta1, double beta2, double epsilon) {
            this(beta1, beta2, epsilon, false, false);
        }

        @Override
        public Update start(Parameter parameter, Region region) {
            return new AdamUpdate(this, parameter, region);
        }
    }

    /// AdamW with moments in bf16, rounded at random.
    record RoundedAdamW(AdamW adam) implements Rule {
        @Override
        public Update start(Parameter parameter, Region region) {
            return new RoundedAdam(adam, parameter, region);
        }
    }

    /// AdamW with blockwise 8-bit moments (arXiv 2110.02861).
    record EightBitAdamW(AdamW adam) implements Rule {
        @Override
        public Update start(Parameter parameter, Region region) {
            return EightBitAdam.takes(parameter)
                    ? new EightBitAdam(adam, parameter, region)
                    : adam.start(parameter, region);
        }
    }

    /// Adafactor (arXiv 1804.04235) and AdaLomo (arXiv 2310.10195), which is Adafactor that scales
    /// by the parameter and has no average.
    ///
    /// @param beta1 of an average of the steps; 0 for none
    /// @param scaleByParameter the rate is relative to the size of the parameter
    /// @param ownRate 1/√step instead of the loop's rate
    /// @param warmup lets that rate begin small
    record Adafactor(
            double epsilon,
            double scaleEpsilon,
            double clip,
            double decayRate,
            double beta1,
            boolean scaleByParameter,
            boolean ownRate,
            boolean warmup)
            implements Rule {
        @Override
        public Update start(Parameter parameter, Region region) {
            return new FactoredUpdate(this, parameter, region);
        }
    }

    /// Lion (arXiv 2302.06675).
    record Lion(double beta1, double beta2) implements Rule {
        @Override
        public Update start(Parameter parameter, Region region) {
            return new LionUpdate(this, parameter, region);
        }
    }

    /// Descent, with momentum or without; LOMO (arXiv 2306.09782) is the latter.
    ///
    /// @param limit largest absolute gradient; infinite for none
    /// @param coupled decay as a part of the gradient
    record Sgd(double momentum, double dampening, boolean nesterov, double limit, boolean coupled)
            implements Rule {
        @Override
        public Update start(Parameter parameter, Region region) {
            return new DescentUpdate(this, parameter, region);
        }
    }

    /// Muon: momentum, orthogonalised by an iteration of Newton and Schulz.
    ///
    /// @param matchAdam scales updates to the size of AdamW's (arXiv 2502.16982)
    /// @param precision type that the iteration runs in
    /// @param rest for what is no inner matrix
    record Muon(
            double momentum,
            boolean nesterov,
            int iterations,
            boolean matchAdam,
            DType precision,
            AdamW rest)
            implements Rule {
        @Override
        public Update start(Parameter parameter, Region region) {
            return inner(parameter)
                    ? new MuonUpdate(this, parameter, region)
                    : rest.start(parameter, region);
        }
    }

    /// GaLore (arXiv 2403.03507).
    ///
    /// @param adam of the projected gradients and of the rest
    record GaLore(Subspace.Plan subspace, double scale, AdamW adam) implements Rule {
        @Override
        public Update start(Parameter parameter, Region region) {
            return inner(parameter)
                    ? new ProjectedAdam(this, parameter, region)
                    : adam.start(parameter, region);
        }
    }

    /// APOLLO (arXiv 2412.05270).
    ///
    /// @param wholeTensor one scale for a matrix instead of one a channel
    /// @param scaleFirst scales before the growth of the norm is limited
    /// @param limitGrowth keeps the norm from growing by more than 1 % a step
    record Apollo(
            Subspace.Plan subspace,
            double scale,
            boolean wholeTensor,
            boolean scaleFirst,
            boolean limitGrowth,
            AdamW adam)
            implements Rule {
        @Override
        public Update start(Parameter parameter, Region region) {
            return inner(parameter)
                    ? new SubspaceScaling(this, parameter, region)
                    : adam.start(parameter, region);
        }
    }

    /// Adam-mini (arXiv 2406.16793, release 1.1.1).
    ///
    /// @param headRows rows of one head in the matrices of queries and keys
    record AdamMini(AdamW adam, int headRows) implements Rule {
        @Override
        public Update start(Parameter parameter, Region region) {
            boolean bias = parameter.name().contains("bias");
            return bias ? adam.start(parameter, region) : new MiniAdam(this, parameter, region);
        }
    }

    /// Schedule-free AdamW (arXiv 2405.15682).
    ///
    /// @param power of the number of the step in its weight
    /// @param ratePower of the largest rate so far in the weight of a step
    record ScheduleFree(AdamW adam, double power, double ratePower) implements Rule {
        @Override
        public Update start(Parameter parameter, Region region) {
            return new FreeAdam(this, parameter, region);
        }
    }
}
