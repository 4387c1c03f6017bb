package dev.tunesmith.engine.model;

import dev.tunesmith.engine.nn.Activation;
import dev.tunesmith.engine.nn.AttentionShape;
import dev.tunesmith.engine.nn.Rotary;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// What a decoder-only language model consists of, as far as numbers can tell.
///
/// @param family the `model_type` it was read from
/// @param attention heads and their switches, the same in every layer
/// @param positions windows and rotary encodings of the layers
/// @param edges what happens before the first and after the last layer
public record Architecture(
        String family,
        Size size,
        AttentionShape attention,
        Positions positions,
        Mlp mlp,
        NormPlan norms,
        Edges edges) {

    /// Sizes of the whole model.
    ///
    /// @param contextLength longest text it was trained for
    public record Size(int layers, int width, int vocabulary, int contextLength) {}

    /// What differs between layers.
    ///
    /// @param windows_L tokens that a token sees in each layer, itself included; 0 means all
    /// @param rotaries the rotary encodings that occur
    /// @param rotaryOf_L which of them each layer uses
    /// @param learned rows of a table of learned positions; 0 means none
    public record Positions(
            List<Integer> windows_L, List<Rotary> rotaries, List<Integer> rotaryOf_L, int learned) {
        public Positions {
            windows_L = List.copyOf(windows_L);
            rotaries = List.copyOf(rotaries);
            rotaryOf_L = List.copyOf(rotaryOf_L);
        }

        /// Without learned positions.
        public Positions(List<Integer> windows_L, List<Rotary> rotaries, List<Integer> rotaryOf_L) {
            this(windows_L, rotaries, rotaryOf_L, 0);
        }
    }

    /// The MLP of every layer.
    ///
    /// @param gated whether a second branch is multiplied by the activated one
    /// @param experts what stands in its place in layers with a mixture of experts; null for none
    public record Mlp(
            int width,
            Activation activation,
            boolean bias,
            boolean gated,
            @Nullable Experts experts) {
        /// A gated one in every layer.
        public Mlp(int width, Activation activation, boolean bias) {
            this(width, activation, bias, true, null);
        }

        /// The mixture in that layer, if it has one.
        public Optional<Experts> expertsOf(int layer) {
            return Optional.ofNullable(experts).filter(e -> !e.denseLayers.contains(layer));
        }

        /// Matrices of one layer.
        int matrices() {
            return gated ? 3 : 2;
        }
    }

    /// A mixture of experts.
    ///
    /// @param chosen experts of a token
    /// @param width width of each expert
    /// @param normalised whether the probabilities of the chosen experts are scaled to sum 1
    /// @param denseLayers layers without a mixture
    public record Experts(
            int count, int chosen, int width, boolean normalised, Set<Integer> denseLayers) {
        public Experts {
            denseLayers = Set.copyOf(denseLayers);
        }
    }

    /// Norms of every layer and of the end.
    ///
    /// @param gainOffset 1 where checkpoints store gains minus one
    /// @param centred whether rows are normalised to mean 0 too, with a bias (LayerNorm)
    public record NormPlan(double eps, int gainOffset, Placement placement, boolean centred) {
        /// Root-mean-square norms.
        public NormPlan(double eps, int gainOffset, Placement placement) {
            this(eps, gainOffset, placement, false);
        }

        /// Vectors of one norm.
        int vectors() {
            return centred ? 2 : 1;
        }

        /// Where norms stand.
        public enum Placement {
            /// Before attention and before the MLP.
            BEFORE,
            /// After attention and after the MLP, before the addition.
            AFTER,
            /// Before and after both.
            AROUND
        }
    }

    /// What happens before the first and after the last layer, and to what is added to the residual
    /// stream.
    ///
    /// @param tied whether the head is the embedding table
    /// @param embeddingFactor factor of embeddings
    /// @param residualFactor factor of what a layer adds
    /// @param logitFactor factor of logits
    /// @param logitCap logits become `c · tanh(z/c)`; 0 means no cap
    public record Edges(
            boolean tied,
            double embeddingFactor,
            double residualFactor,
            double logitFactor,
            double logitCap) {}

    /// How a checkpoint names and joins the matrices.
    public enum Layout {
        /// A matrix for each branch, under the names of Llama.
        LLAMA,
        /// The names of Llama; query, key and value are one matrix, gate and up another.
        PHI3,
        /// The names of Llama; experts are `w1`, `w3` and `w2` below `block_sparse_moe`.
        MIXTRAL,
        /// The names of GPT-2; matrices lie transposed, query, key and value are one.
        GPT2
    }

    /// Whether a cache of `cached` tokens must be computed again before the sequence grows to
    /// `length`.
    public boolean restartsCache(int cached, int length) {
        return cached > 0
                && positions.rotaries.stream().anyMatch(r -> r.turnsAgain(cached, length));
    }

    /// The same with mixtures of experts in place of the MLPs.
    Architecture with(Experts experts) {
        return new Architecture(
                family,
                size,
                attention,
                positions,
                new Mlp(mlp.width, mlp.activation, mlp.bias, mlp.gated, experts),
                norms,
                edges);
    }

    /// How a checkpoint of this family names and joins the matrices.
    public Layout layout() {
        return switch (family) {
            case "phi3" -> Layout.PHI3;
            case "gpt2" -> Layout.GPT2;
            case "mixtral" -> Layout.MIXTRAL;
            default -> Layout.LLAMA;
        };
    }

    /// Reads a `config.json`, in the form before version 5 of transformers or in that of version 5.
    ///
    /// @throws UnsupportedModelException with every reason why it cannot be run
    public static Architecture of(Map<String, Object> config) {
        return Families.read(config);
    }

    /// Number of parameters, a tied table counted once.
    public long parameters() {
        long width = size.width;
        boolean anyBias = attention.bias() != AttentionShape.Bias.NONE;
        long attentionParameters =
                width * (2L * attention.queryWidth() + 2L * attention.keyWidth())
                        + (anyBias ? attention.queryWidth() + 2L * attention.keyWidth() : 0)
                        + (attention.bias() == AttentionShape.Bias.ALL ? width : 0)
                        + queryKeyNormParameters();
        long mlpParameters =
                mlp.matrices() * width * mlp.width
                        + (mlp.bias ? (mlp.matrices() - 1L) * mlp.width + width : 0);
        long normParameters =
                width * norms.vectors() * (norms.placement == NormPlan.Placement.AROUND ? 4 : 2);
        long table = width * size.vocabulary;
        return size.layers * (attentionParameters + mlpParameters + normParameters)
                + mixtureParameters(mlpParameters)
                + width * norms.vectors()
                + width * positions.learned
                + (edges.tied ? table : 2 * table);
    }

    /// What mixtures have more than the MLPs in whose place they stand.
    private long mixtureParameters(long mlpParameters) {
        Experts experts = mlp.experts;
        if (experts == null) {
            return 0;
        }
        long width = size.width;
        long each = experts.count * (width + mlp.matrices() * width * experts.width);
        return (size.layers - experts.denseLayers.size()) * (each - mlpParameters);
    }

    private long queryKeyNormParameters() {
        return switch (attention.norm()) {
            case NONE -> 0;
            case PER_HEAD -> 2L * attention.headWidth();
            case WHOLE -> (long) attention.queryWidth() + attention.keyWidth();
        };
    }
}
