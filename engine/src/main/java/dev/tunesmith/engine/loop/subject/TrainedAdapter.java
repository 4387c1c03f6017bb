package dev.tunesmith.engine.loop.subject;

import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.AdapterSpec.Refinements;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.AdapterKind;
import dev.tunesmith.engine.adapter.Adapter;
import dev.tunesmith.engine.adapter.FrozenBase;
import dev.tunesmith.engine.adapter.SplitWeights;
import dev.tunesmith.engine.adapter.kind.AdaLoraConfig;
import dev.tunesmith.engine.adapter.kind.AdapterConfig;
import dev.tunesmith.engine.adapter.kind.BoftConfig;
import dev.tunesmith.engine.adapter.kind.Ia3Config;
import dev.tunesmith.engine.adapter.kind.LoraConfig;
import dev.tunesmith.engine.adapter.kind.OftConfig;
import dev.tunesmith.engine.adapter.kind.PromptConfig;
import dev.tunesmith.engine.adapter.kind.VeraConfig;
import dev.tunesmith.engine.adapter.site.Companion;
import dev.tunesmith.engine.adapter.site.Scope;
import dev.tunesmith.engine.adapter.site.Targets;
import dev.tunesmith.engine.adapter.site.TrainedBias;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.nn.change.Cayley;
import dev.tunesmith.engine.quant.FourBitFormat;
import dev.tunesmith.engine.quant.FourBitKind;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The adapter of a run: made as the spec says, begun as its kind begins, saved as what is served.
public final class TrainedAdapter implements AutoCloseable {

    private static final double IMPORTANCE_SMOOTHING = 0.85;
    private static final double ORTHOGONALITY = 0.5;
    private static final int SERIES_TERMS = 5;
    private static final List<String> FEEDFORWARD = List.of("down_proj", "fc2", "dense_4h_to_h");

    private final Adapter adapter;
    private final Optional<SplitWeights> split;
    private final Optional<FourBitFormat> codes;
    private final Optional<Adapter> kept;

    /// @param kept the adapter as it was, on the model's reference
    private TrainedAdapter(
            Adapter adapter,
            Optional<SplitWeights> split,
            Optional<FourBitFormat> codes,
            Optional<Adapter> kept) {
        this.adapter = adapter;
        this.split = split;
        this.codes = codes;
        this.kept = kept;
    }

    /// How the frozen layers below an adapter are quantised.
    public static Optional<FourBitFormat> codes(AdapterSpec spec) {
        return spec instanceof AdapterSpec.Lora lora
                ? Optional.ofNullable(lora.frozen())
                        .map(frozen ->
                                new FourBitFormat(
                                        FourBitKind.named(frozen.type().wire()).orElseThrow(),
                                        FourBitFormat.BLOCK,
                                        frozen.doubled()))
                : Optional.empty();
    }

    /// What an adapter begins with.
    ///
    /// @param base files of the model
    /// @param before folder in PEFT layout of an adapter with which training goes on
    /// @param reference the model as it was, which keeps that adapter, or what a LoftQ begins with;
    ///   empty if nothing is compared with it
    public record Start(ModelDirectory base, Optional<Path> before, Optional<Decoder> reference) {}

    /// Attaches an adapter to `model`.
    ///
    /// @param steps all optimizer steps of the run
    public static TrainedAdapter attach(ResolvedSpec spec, Decoder model, Start start, int steps) {
        AdapterConfig config =
                switch (spec.adapter()) {
                    case AdapterSpec.None _, AdapterSpec.Part _ ->
                            throw new IllegalArgumentException("no adapter was asked for");
                    case AdapterSpec.Lora lora -> lowRank(spec.model(), lora, steps);
                    case AdapterSpec.Tuner tuner -> tuner(spec.model(), tuner, model);
                };
        if (start.before().isPresent()) {
            return continued(spec, model, start, config);
        }
        Adapter adapter = Adapter.fresh(model, config, spec.seed());
        Optional<SplitWeights> split =
                switch (spec.adapter().kind()) {
                    case PISSA -> Optional.of(SplitWeights.of(model, SplitWeights.Way.PRINCIPAL));
                    case OLORA -> Optional.of(SplitWeights.of(model, SplitWeights.Way.ORTHOGONAL));
                    default -> Optional.empty();
                };
        Optional<Adapter> kept = Optional.empty();
        if (spec.adapter().kind() == AdapterKind.LOFTQ) {
            try (WeightFiles exact = start.base().openWeights()) {
                SplitWeights.ofRounding(model, exact);
            }
            // Without it the reference were the codes alone, from which the policy does not start.
            kept = start.reference().map(adapter::copyTo);
        }
        adapter.train();
        return new TrainedAdapter(adapter, split, codes(spec.adapter()), kept);
    }

    private static TrainedAdapter continued(
            ResolvedSpec spec, Decoder model, Start start, AdapterConfig config) {
        Path before = start.before().orElseThrow();
        Adapter adapter = Adapter.load(model, config, before);
        adapter.train();
        return new TrainedAdapter(
                adapter,
                Optional.empty(),
                codes(spec.adapter()),
                start.reference().map(reference -> Adapter.load(reference, before)));
    }

    private static AdapterConfig lowRank(String base, AdapterSpec.Lora lora, int steps) {
        Refinements refined = lora.refinements();
        Scope scope =
                new Scope(
                        base,
                        targets(lora.targetModules())
                                .without(Targets.selection(refined.excludeModules()))
                                .onlyLayers(refined.layers()),
                        bias(refined.bias()),
                        refined.modulesToSave());
        LoraConfig.Ranks ranks =
                new LoraConfig.Ranks(
                        lora.rank(),
                        lora.alpha(),
                        refined.rankPattern(),
                        refined.alphaPattern(),
                        lora.rslora());
        return switch (lora.kind()) {
            case VERA -> VeraConfig.of(scope, lora.rank(), lora.dropout(), 0);
            case ADALORA ->
                    new AdaLoraConfig(
                            scope,
                            Math.ceilDiv(3 * lora.rank(), 2),
                            lora.alpha(),
                            lora.dropout(),
                            schedule(lora.rank(), steps),
                            Map.of());
            default -> LoraConfig.of(scope, ranks, lora.dropout(), lora.kind() == AdapterKind.DORA);
        };
    }

    private static TrainedBias bias(AdapterSpec.TrainedBias asked) {
        return switch (asked) {
            case NONE -> TrainedBias.NONE;
            case ALL -> TrainedBias.ALL;
            case LORA_ONLY -> TrainedBias.TARGETS;
        };
    }

    /// A tenth of the steps with all components, three tenths with those that stay.
    private static AdaLoraConfig.Schedule schedule(int rank, int steps) {
        return new AdaLoraConfig.Schedule(
                rank,
                steps / 10,
                3 * steps / 10,
                Math.max(1, steps / 100),
                steps,
                new AdaLoraConfig.Smoothing(IMPORTANCE_SMOOTHING, IMPORTANCE_SMOOTHING),
                ORTHOGONALITY);
    }

    private static AdapterConfig tuner(String base, AdapterSpec.Tuner tuner, Decoder model) {
        Scope scope = Scope.of(base, targets(tuner.targetModules()));
        int width = model.architecture().size().width();
        return switch (tuner.kind()) {
            case IA3 -> Ia3Config.of(scope, FEEDFORWARD);
            case OFT -> OftConfig.of(scope, tuner.size(), new Cayley.Series(SERIES_TERMS));
            case BOFT -> new BoftConfig(scope, tuner.size(), 0, 1);
            case PROMPT_TUNING -> prompt(scope, PromptConfig.Network.PROMPT, tuner.size(), width);
            case P_TUNING -> prompt(scope, PromptConfig.Network.PROMPT_MLP, tuner.size(), width);
            case PREFIX_TUNING -> prompt(scope, PromptConfig.Network.PREFIX, tuner.size(), width);
            case NONE,
                    FREEZE,
                    LLAMA_PRO,
                    SPECTRUM,
                    LORA,
                    QLORA,
                    DORA,
                    PISSA,
                    OLORA,
                    LOFTQ,
                    ADALORA,
                    VERA ->
                    throw new IllegalArgumentException(tuner.kind() + " is no such adapter");
        };
    }

    private static PromptConfig prompt(
            Scope scope, PromptConfig.Network network, int tokens, int width) {
        return new PromptConfig(scope, network, tokens, width, 2);
    }

    private static Targets targets(List<String> modules) {
        return modules.contains(AdapterSpec.Lora.ALL_LINEAR)
                ? Targets.allLinear()
                : Targets.of(Targets.selection(modules));
    }

    public List<Parameter> parameters() {
        return adapter.parameters();
    }

    public Optional<Companion> companion() {
        return adapter.companion();
    }

    /// Writes an adapter of the base as it is published.
    ///
    /// @param target makes the file of its weights
    public void save(Path folder, SafetensorsWriter.Target target) throws IOException {
        if (split.isPresent() && adapter.config() instanceof LoraConfig lora) {
            split.get().save(adapter, lora, folder, target);
        } else {
            adapter.save(folder, target);
        }
        if (codes.isPresent()) {
            FrozenBase.write(folder, codes.get());
        }
    }

    @Override
    public void close() {
        adapter.close();
        kept.ifPresent(Adapter::close);
        split.ifPresent(SplitWeights::close);
    }
}
