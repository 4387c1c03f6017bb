package dev.tunesmith.engine.model;

import dev.tunesmith.engine.data.ChatEncoder;
import dev.tunesmith.engine.nn.Activation;
import dev.tunesmith.engine.nn.AttentionShape;
import dev.tunesmith.engine.nn.GatedMlp;
import dev.tunesmith.engine.nn.MixtureMlp;
import dev.tunesmith.engine.nn.position.Rotary;
import dev.tunesmith.engine.vision.Eyes;
import dev.tunesmith.engine.vision.PictureReader;
import dev.tunesmith.engine.vision.Tower;
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
/// @param layout names of the tensors in the checkpoint
/// @param vision what turns pictures into rows among the embeddings
public record Architecture(
        String family,
        Size size,
        AttentionShape attention,
        Positions positions,
        Mlp mlp,
        NormPlan norms,
        Edges edges,
        Layout layout,
        Optional<Vision> vision) {

    /// A model without pictures.
    public Architecture(
            String family,
            Size size,
            AttentionShape attention,
            Positions positions,
            Mlp mlp,
            NormPlan norms,
            Edges edges,
            Layout layout) {
        this(family, size, attention, positions, mlp, norms, edges, layout, Optional.empty());
    }

    /// Sizes of the whole model.
    ///
    /// @param contextLength longest text it was trained for
    public record Size(int layers, int width, int vocabulary, int contextLength) {}

    /// What differs between layers.
    ///
    /// @param windows_L tokens that a token sees in each layer, itself included; 0 means all
    /// @param rotaries the rotary encodings that occur
    /// @param rotaryOf_L which of them each layer uses, or [Attention#NO_ROTARY]
    /// @param learned rows of a table of learned positions; 0 means none
    /// @param unused rows of that table before the first position
    /// @param slopes_H what a token counts less for every token between, by head; empty means
    ///   nothing (ALiBi, arXiv 2108.12409)
    public record Positions(
            List<Integer> windows_L,
            List<Rotary> rotaries,
            List<Integer> rotaryOf_L,
            int learned,
            int unused,
            List<Double> slopes_H) {
        public Positions {
            windows_L = List.copyOf(windows_L);
            rotaries = List.copyOf(rotaries);
            rotaryOf_L = List.copyOf(rotaryOf_L);
            slopes_H = List.copyOf(slopes_H);
        }

        /// Rotary positions only.
        public Positions(List<Integer> windows_L, List<Rotary> rotaries, List<Integer> rotaryOf_L) {
            this(windows_L, rotaries, rotaryOf_L, 0, 0, List.of());
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
    }

    /// A mixture of experts.
    ///
    /// @param width width of each expert
    /// @param denseLayers layers without a mixture
    /// @param scoring how experts are chosen
    /// @param shared the MLP that every token passes beside its experts
    /// @param clamp limits of experts that have biases, and whose gate and up take turns in a
    ///   matrix that lies as [inputs, outputs]; empty for experts as elsewhere
    public record Experts(
            int count,
            int width,
            Set<Integer> denseLayers,
            MixtureMlp.Scoring scoring,
            Optional<Shared> shared,
            Optional<GatedMlp.Clamp> clamp) {

        /// Experts without limits.
        public Experts(
                int count,
                int width,
                Set<Integer> denseLayers,
                MixtureMlp.Scoring scoring,
                Optional<Shared> shared) {
            this(count, width, denseLayers, scoring, shared, Optional.empty());
        }

        public Experts {
            denseLayers = Set.copyOf(denseLayers);
        }

        /// The same with an MLP that every token passes.
        Experts with(Shared other) {
            return new Experts(count, width, denseLayers, scoring, Optional.of(other), clamp);
        }
    }

    /// An MLP beside a mixture.
    ///
    /// @param gated whether a score of the token's own multiplies its output
    public record Shared(int width, boolean gated) {}

    /// Norms of every layer and of the end.
    ///
    /// @param gainOffset 1 where checkpoints store gains minus one
    public record NormPlan(double eps, int gainOffset, Placement placement, Kind kind) {
        /// Root-mean-square norms.
        public NormPlan(double eps, int gainOffset, Placement placement) {
            this(eps, gainOffset, placement, Kind.RMS);
        }

        /// What a norm computes.
        public enum Kind {
            /// Rows are divided by their root mean square; a gain.
            RMS,
            /// Rows are brought to mean 0 and variance 1; a gain and a bias (LayerNorm).
            CENTRED,
            /// As CENTRED, without a bias.
            CENTRED_GAIN,
            /// As CENTRED, without gain and bias.
            CENTRED_BARE
        }

        /// Where norms stand.
        public enum Placement {
            /// Before attention and before the MLP.
            BEFORE,
            /// After attention and after the MLP, before the addition.
            AFTER,
            /// Before and after both.
            AROUND,
            /// One before both, which run side by side.
            PARALLEL,
            /// Before attention and before the MLP, which run side by side.
            PARALLEL_EACH
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
    /// @param headBias whether the head has a bias
    /// @param embeddingNorm whether embeddings are normalised
    /// @param unitHead whether the rows of the head are brought to length 1
    public record Edges(
            boolean tied,
            double embeddingFactor,
            double residualFactor,
            double logitFactor,
            double logitCap,
            boolean headBias,
            boolean embeddingNorm,
            boolean unitHead) {

        /// With the rows of the head as they are stored.
        public Edges(
                boolean tied,
                double embeddingFactor,
                double residualFactor,
                double logitFactor,
                double logitCap,
                boolean headBias,
                boolean embeddingNorm) {
            this(
                    tied,
                    embeddingFactor,
                    residualFactor,
                    logitFactor,
                    logitCap,
                    headBias,
                    embeddingNorm,
                    false);
        }

        Edges withUnitHead() {
            return new Edges(
                    tied,
                    embeddingFactor,
                    residualFactor,
                    logitFactor,
                    logitCap,
                    headBias,
                    embeddingNorm,
                    true);
        }

        /// Without a bias of the head and without a norm of the embeddings.
        public Edges(
                boolean tied,
                double embeddingFactor,
                double residualFactor,
                double logitFactor,
                double logitCap) {
            this(tied, embeddingFactor, residualFactor, logitFactor, logitCap, false, false);
        }

        /// No factors.
        static Edges plain(boolean tied) {
            return new Edges(tied, 1, 1, 1, 0);
        }
    }

    /// A tower for pictures, and the projector behind it.
    ///
    /// @param tower its blocks; the vocabulary is the width of the rows it gives, edges mean
    ///   nothing
    /// @param form which parts stand before and behind them
    /// @param imageToken the token that stands for one row of a picture
    /// @param patch numbers that make a patch
    /// @param plan order and sight of patches
    /// @param blocks how many blocks count; the rest of the checkpoint's is not used
    /// @param projector the MLP behind
    public record Vision(
            Architecture tower,
            Form form,
            int imageToken,
            Patch patch,
            Tower.Plan plan,
            int blocks,
            Mlp projector) {
        /// How pictures are cut and how many rows they become.
        public Eyes eyes() {
            int fixed = patch.side() * (int) Math.round(Math.sqrt(patch.count()));
            return new Eyes(
                    new PictureReader(patch.side(), patch.frames(), plan.merge(), fixed),
                    plan.keepsClass(),
                    imageToken);
        }

        /// Which parts stand before and behind the blocks.
        public enum Form {
            /// A class row, learned positions and a norm before; nothing behind.
            CLIP,
            /// Nothing before; a norm behind.
            QWEN
        }
    }

    /// What a patch consists of.
    ///
    /// @param side pixels in each direction
    /// @param count patches of a picture where that is fixed, else 0
    public record Patch(int side, int channels, int frames, int count) {
        /// Numbers of a patch.
        public int numbers() {
            return side * side * channels * frames;
        }
    }

    /// Whether a cache of `cached` tokens must be computed again before the sequence grows to
    /// `length`.
    public boolean restartsCache(int cached, int length) {
        return cached > 0
                && positions.rotaries.stream().anyMatch(r -> r.turnsAgain(cached, length));
    }

    /// The same with another attention.
    Architecture with(AttentionShape other) {
        return new Architecture(family, size, other, positions, mlp, norms, edges, layout, vision);
    }

    /// The same with other positions.
    Architecture with(Positions other) {
        return new Architecture(family, size, attention, other, mlp, norms, edges, layout, vision);
    }

    /// The same with another MLP.
    Architecture with(Mlp other) {
        return new Architecture(
                family, size, attention, positions, other, norms, edges, layout, vision);
    }

    /// The same with other norms.
    Architecture with(NormPlan other) {
        return new Architecture(
                family, size, attention, positions, mlp, other, edges, layout, vision);
    }

    /// The same with other edges.
    Architecture with(Edges other) {
        return new Architecture(
                family, size, attention, positions, mlp, norms, other, layout, vision);
    }

    /// The same in a checkpoint of another layout.
    Architecture with(Layout other) {
        return new Architecture(
                family, size, attention, positions, mlp, norms, edges, other, vision);
    }

    /// The same with a tower for pictures.
    Architecture with(Vision other) {
        return new Architecture(
                family, size, attention, positions, mlp, norms, edges, layout, Optional.of(other));
    }

    /// The same with mixtures of experts in place of the MLPs.
    Architecture with(Experts experts) {
        return with(new Mlp(mlp.width, mlp.activation, mlp.bias, mlp.gated, experts));
    }

    /// What a model of that `config.json` sees of pictures.
    public static ChatEncoder.Sight sight(Map<String, Object> config) {
        return of(config)
                .vision()
                .<ChatEncoder.Sight>map(Vision::eyes)
                .orElse(ChatEncoder.Sight.NONE);
    }

    /// Reads a `config.json`, in the form before version 5 of transformers or in that of version 5.
    ///
    /// @throws UnsupportedModelException with every reason why it cannot be run
    public static Architecture of(Map<String, Object> config) {
        return Families.read(config);
    }
}
