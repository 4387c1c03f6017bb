package dev.tunesmith.engine.loop;

import dev.tunesmith.contracts.care.Groups;
import dev.tunesmith.contracts.data.DatasetStats;
import dev.tunesmith.contracts.fit.MemoryPlan;
import dev.tunesmith.contracts.fit.ModelFacts;
import dev.tunesmith.contracts.fit.Recompute;
import dev.tunesmith.contracts.fit.Workload;
import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.job.Resolver;
import dev.tunesmith.contracts.method.DistillSettings;
import dev.tunesmith.contracts.method.Grader;
import dev.tunesmith.contracts.method.GroupSettings;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodSettings;
import dev.tunesmith.contracts.method.MethodSettings.Ppo;
import dev.tunesmith.contracts.method.ModelRole;
import dev.tunesmith.contracts.method.Reference;
import dev.tunesmith.contracts.method.TokenLoss;
import dev.tunesmith.contracts.mixture.DataPlan;
import dev.tunesmith.contracts.mixture.Reading;
import dev.tunesmith.engine.adapter.Adapter;
import dev.tunesmith.engine.adapter.site.AdapterException;
import dev.tunesmith.engine.corpus.CorpusFile;
import dev.tunesmith.engine.corpus.ShardStore;
import dev.tunesmith.engine.data.PackedRows;
import dev.tunesmith.engine.decode.StopTokens;
import dev.tunesmith.engine.io.FileCopies;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.SafetensorsWriter.Target;
import dev.tunesmith.engine.loop.CheckpointFolder.Identity;
import dev.tunesmith.engine.loop.CheckpointFolder.Restored;
import dev.tunesmith.engine.loop.care.Keeper;
import dev.tunesmith.engine.loop.care.Keeper.Place;
import dev.tunesmith.engine.loop.subject.ExpandedModel;
import dev.tunesmith.engine.loop.subject.ModelFolder;
import dev.tunesmith.engine.loop.subject.PackedBase;
import dev.tunesmith.engine.loop.subject.RoutedModel;
import dev.tunesmith.engine.loop.subject.SpecRefusedException;
import dev.tunesmith.engine.loop.subject.TrainedAdapter;
import dev.tunesmith.engine.loop.subject.TrainedPart;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.model.ScoreHead;
import dev.tunesmith.engine.model.UnsupportedModelException;
import dev.tunesmith.engine.nn.EmbeddingNoise;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.objective.Distillation;
import dev.tunesmith.engine.objective.KtoObjective;
import dev.tunesmith.engine.objective.Objective;
import dev.tunesmith.engine.objective.Policy;
import dev.tunesmith.engine.objective.PpoObjective;
import dev.tunesmith.engine.objective.PpoUpdate;
import dev.tunesmith.engine.objective.PreferenceObjective;
import dev.tunesmith.engine.objective.ReferenceFreeObjective;
import dev.tunesmith.engine.objective.RewardObjective;
import dev.tunesmith.engine.objective.TokenObjective;
import dev.tunesmith.engine.objective.group.GroupObjective;
import dev.tunesmith.engine.objective.group.GroupUpdate;
import dev.tunesmith.engine.objective.rollout.Actor;
import dev.tunesmith.engine.objective.rollout.Drawer;
import dev.tunesmith.engine.objective.rollout.OwnAnswers;
import dev.tunesmith.engine.optim.Optimizer;
import dev.tunesmith.engine.optim.OptimizerChoice;
import dev.tunesmith.engine.optim.ParameterGroup;
import dev.tunesmith.engine.rows.RowSource;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tape.InputFile;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Device;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.engine.text.NamedFormat;
import dev.tunesmith.engine.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// A resolved job in memory: model, rows, optimizer and plan, ready for the loop.
///
/// ```
/// try (TrainingRun run = TrainingRun.prepare(spec, sources, room, deviceBytes)) {
///     Outcome outcome = run.loop(run.start(), observer).run();
/// }
/// ```
public final class TrainingRun implements AutoCloseable {

    /// Metrics of a result, for people and for scripts.
    public static final String METRICS = "step_metrics.csv";

    /// A plan may be wrong by its twentieth.
    private static final long PLAN_ERROR = 20;

    private final ResolvedSpec spec;
    private final Sources sources;
    private final TrainingRows rows;
    private final Subject subject;
    private final Companions companions;
    private final Region states;
    private final Optional<Tokenizer> tokenizer;
    private final Learner learner;
    private final LoopPlan plan;
    private final Identity identity;
    private long spareBytes;

    /// What a run reads. Rows come from wherever they are; models lie on this machine.
    ///
    /// @param others training files after the first, in the order of the spec's plan
    /// @param validation rows that are only measured
    /// @param companions other models that the method reads
    /// @param adapter folder in PEFT layout of the adapter with which training goes on
    public record Sources(
            ModelDirectory base,
            RowSource training,
            Optional<RowSource> validation,
            Map<ModelRole, Companion> companions,
            Optional<Path> adapter,
            List<RowSource> others) {

        public Sources {
            others = List.copyOf(others);
        }

        /// One training file of this machine.
        public Sources(
                ModelDirectory base,
                Path training,
                Optional<Path> validation,
                Map<ModelRole, Companion> companions,
                Optional<Path> adapter) {
            this(
                    base,
                    RowSource.of(training),
                    validation.map(RowSource::of),
                    companions,
                    adapter,
                    List.of());
        }

        /// The training files as a plan has them.
        List<CorpusFile> files(DataPlan plan) {
            if (plan.files().isEmpty()) {
                return List.of(CorpusFile.whole(training, Reading.RECOGNISED));
            }
            List<CorpusFile> files = new ArrayList<>();
            for (int i = 0; i < plan.files().size(); i++) {
                RowSource source = i == 0 ? training : others.get(i - 1);
                files.add(CorpusFile.of(source, plan.files().get(i)));
            }
            return files;
        }

        /// A model that is read and does not change.
        ///
        /// @param adapter what changes it, if it is one with an adapter
        public record Companion(ModelDirectory base, Optional<Path> adapter) {}

        /// A run of one model.
        public Sources(ModelDirectory base, Path training, Optional<Path> validation) {
            this(base, training, validation, Map.of());
        }

        /// Training begins with the model itself.
        public Sources(
                ModelDirectory base,
                Path training,
                Optional<Path> validation,
                Map<ModelRole, Companion> companions) {
            this(base, training, validation, companions, Optional.empty());
        }

        /// The same files beside another base.
        private Sources with(ModelDirectory other) {
            return new Sources(other, training, validation, companions, adapter, others);
        }
    }

    /// What trains: a model, and an adapter if only that trains.
    ///
    /// @param reference the weights of the model itself, if the method compares with those
    /// @param head what scores or values states, if the method needs that
    private record Subject(
            Decoder model,
            Optional<TrainedAdapter> adapter,
            Optional<Decoder> reference,
            Optional<ScoreHead> head,
            Region region) {
        List<Parameter> trained() {
            List<Parameter> trained =
                    new ArrayList<>(
                            adapter.map(TrainedAdapter::parameters)
                                    .orElseGet(() ->
                                            model.trainable().isEmpty()
                                                    ? model.free()
                                                    : model.trainable()));
            head.map(ScoreHead::parameters).orElse(List.of()).stream()
                    .filter(parameter -> !trained.contains(parameter))
                    .forEach(trained::add);
            return trained;
        }
    }

    private TrainingRun(
            ResolvedSpec spec,
            Sources sources,
            TrainingRows rows,
            Subject subject,
            Path room,
            StepArena arena) {
        this.spec = spec;
        this.sources = sources;
        this.rows = rows;
        this.subject = subject;
        subject.model.trainInGroups(spec.rows().attentionGroup());
        subject.model.depths().loss().weigh(spec.rows().depth().lossWeight());
        this.companions = Companions.open(spec, sources, subject.model);
        this.tokenizer =
                spec.method().rowKind() == Method.RowKind.PROMPT
                                || spec.settings().answerTokens() > 0
                        ? sources.base().tokenizer().map(Tokenizer::open)
                        : Optional.empty();
        this.states =
                spec.optimizer().groups().states() == Groups.States.DISK
                        ? Region.onDisk("optimizer states", room.resolve("optimizer.states"))
                        : Region.lasting("optimizer states");
        this.learner = learner(arena);
        this.plan = LoopPlan.of(spec, rows.training().size());
        this.identity = new Identity(SpecTree.of(spec), environment());
    }

    /// Reads everything into memory.
    ///
    /// @param room empty folder for tokenised rows and states on disk, which must outlive the run
    /// @param deviceBytes memory that the run may use, checked before the weights are read
    /// @throws TrainingDataException if there is nothing to train on, with the first problems
    /// @throws SpecRefusedException if the model cannot do what is asked for
    /// @throws MemoryRefusedException if it does not fit, with what to change
    public static TrainingRun prepare(
            ResolvedSpec spec, Sources sources, Path room, long deviceBytes) throws IOException {
        return prepare(spec, sources, room, deviceBytes, ShardStore.NONE);
    }

    /// The same, with tokens that were kept.
    public static TrainingRun prepare(
            ResolvedSpec spec, Sources sources, Path room, long deviceBytes, ShardStore store)
            throws IOException {
        TrainingRows rows = TrainingRows.read(spec, sources, room, store);
        try {
            MemoryPlan memory = requireMemory(spec, sources, rows.stats(), deviceBytes);
            PackedBase.check(spec, sources.base());
            requireHalves(spec, sources.base());
            TrainingRun run = read(spec, sources, rows, room, StepArena.planned(memory));
            run.spareBytes = spare(memory, deviceBytes);
            if (spec.recompute() == Recompute.OFFLOAD) {
                run.learner.useInputFile(new InputFile(room.resolve("inputs-of-blocks")));
            }
            return run;
        } catch (AdapterException e) {
            rows.close();
            throw new SpecRefusedException("adapter " + spec.adapter().kind().wire(), e.reasons());
        } catch (RuntimeException e) {
            rows.close();
            throw e;
        }
    }

    /// Reads the models while the memory of steps becomes ready.
    private static TrainingRun read(
            ResolvedSpec spec, Sources sources, TrainingRows rows, Path room, StepArena arena)
            throws IOException {
        try {
            Sources grown = sources.with(grown(spec, sources.base(), room));
            return new TrainingRun(spec, grown, rows, subject(spec, grown, rows), room, arena);
        } catch (IOException | RuntimeException e) {
            arena.close();
            throw e;
        }
    }

    /// The model with the routers and layers that the job adds.
    private static ModelDirectory grown(ResolvedSpec spec, ModelDirectory base, Path room)
            throws IOException {
        ModelDirectory routed =
                RoutedModel.of(base, spec.rows().depth(), spec.seed(), room.resolve("routed"));
        return spec.adapter() instanceof AdapterSpec.Part part && part.newBlocks() > 0
                ? ExpandedModel.write(routed, part.layers(), room.resolve("expanded"))
                : routed;
    }

    /// What the owner of the files should know, a sentence each.
    public List<String> notes() {
        return rows.notes();
    }

    private static void requireHalves(ResolvedSpec spec, ModelDirectory base) {
        if (spec.rows().attentionGroup() > 0 && facts(base).kvHeads() < 2) {
            throw new SpecRefusedException(
                    "shifted_attention",
                    List.of(
                            "the model has one key head, of which no half can be shifted; leave it out"));
        }
    }

    private static MemoryPlan requireMemory(
            ResolvedSpec spec, Sources sources, DatasetStats stats, long deviceBytes) {
        ModelFacts facts = facts(sources.base(), sources.adapter());
        MemoryPlan plan = MemoryPlan.of(facts, workload(spec, sources, stats));
        if (!plan.fits(deviceBytes)) {
            throw new MemoryRefusedException(plan.refusal(facts, deviceBytes));
        }
        return plan;
    }

    /// What the run leaves of the memory, where the host can use it.
    private static long spare(MemoryPlan plan, long deviceBytes) {
        long planned = plan.total() + plan.total() / PLAN_ERROR;
        return Device.current().hostVisible() ? Math.max(0, deviceBytes - planned) : 0;
    }

    /// What a job does to memory, with the models that it reads.
    static Workload workload(ResolvedSpec spec, Sources sources, DatasetStats stats) {
        Map<ModelRole, ModelFacts> others = new EnumMap<>(ModelRole.class);
        sources.companions().forEach((role, model) -> others.put(role, facts(model)));
        return Resolver.workload(spec, stats, others);
    }

    private static ModelFacts facts(Sources.Companion model) {
        return facts(model.base(), model.adapter());
    }

    /// The shape of a model with the adapter of a folder in PEFT layout.
    ///
    /// @throws UnsupportedModelException if its configuration has no such shape
    public static ModelFacts facts(ModelDirectory base, Optional<Path> adapter) {
        return facts(base).withAdapter(adapter.map(Adapter::storedParameters).orElse(0L));
    }

    /// The shape of a model as contracts know it.
    ///
    /// @throws UnsupportedModelException if its configuration has no such shape
    public static ModelFacts facts(ModelDirectory base) {
        try {
            return ModelFacts.fromConfig(base.config());
        } catch (IllegalArgumentException e) {
            throw new UnsupportedModelException(
                    base.path().toString(), List.of(String.valueOf(e.getMessage())));
        }
    }

    private static Subject subject(ResolvedSpec spec, Sources sources, TrainingRows rows) {
        ModelDirectory base = sources.base();
        DType compute = compute(spec);
        Region region = Region.lasting("training");
        return switch (spec.adapter()) {
            case AdapterSpec.None _, AdapterSpec.Part _ -> {
                Decoder model = Decoder.load(base, compute, Decoder.Loading.WRITABLE);
                OptimizerChoice optimizer = optimizer(spec, base);
                if (spec.adapter() instanceof AdapterSpec.Part part) {
                    TrainedPart.train(part, model, region, optimizer.masters());
                } else if (!optimizer.choosesParameters()) {
                    model.trainAll(region, optimizer.masters());
                }
                Optional<Decoder> reference =
                        comparesWithItself(spec)
                                ? Optional.of(Decoder.load(base, compute, Decoder.Loading.MAPPED))
                                : Optional.empty();
                yield new Subject(
                        model, Optional.empty(), reference, head(spec, model, region), region);
            }
            case AdapterSpec.Lora _, AdapterSpec.Tuner _ -> {
                var form =
                        new Decoder.Form(
                                compute,
                                Decoder.Loading.MAPPED,
                                TrainedAdapter.codes(spec.adapter()));
                Decoder model = Decoder.load(base, form);
                Optional<Decoder> reference =
                        comparesWithItself(spec) ? Optional.of(model.share()) : Optional.empty();
                int steps = LoopPlan.of(spec, rows.training().size()).totalSteps();
                boolean asItWas = spec.settings().reference().equals(Reference.START);
                var start =
                        new TrainedAdapter.Start(
                                base, sources.adapter(), reference.filter(_ -> asItWas));
                TrainedAdapter adapter = TrainedAdapter.attach(spec, model, start, steps);
                yield new Subject(
                        model, Optional.of(adapter), reference, head(spec, model, region), region);
            }
        };
    }

    private static boolean comparesWithItself(ResolvedSpec spec) {
        return spec.settings().needsReference() && spec.settings().reference().model().isEmpty();
    }

    /// What the policy is compared with.
    private Optional<Decoder> reference() {
        return companions.reference().or(subject::reference);
    }

    private static Optional<ScoreHead> head(ResolvedSpec spec, Decoder model, Region region) {
        if (!spec.settings().needsScoreHead()) {
            return Optional.empty();
        }
        int width = model.architecture().size().width();
        ScoreHead head =
                ScoreHead.of(model, region)
                        .orElseGet(() -> ScoreHead.fresh(width, headSeed(spec), region));
        head.parameters().forEach(parameter -> parameter.train(region));
        return Optional.of(head);
    }

    /// Scores begin small and random; values begin as zeros, which is what is known of them.
    private static Optional<Long> headSeed(ResolvedSpec spec) {
        return spec.method().rowKind() == Method.RowKind.PROMPT
                ? Optional.empty()
                : Optional.of(spec.seed());
    }

    private Learner learner(StepArena arena) {
        List<Parameter> trained = subject.trained();
        Optimizer optimizer = optimizer(spec, sources.base()).start(groups(trained), states);
        return new Learner(
                objective(),
                trained,
                optimizer,
                subject.adapter().flatMap(TrainedAdapter::companion),
                new Keeper(spec.steps().care(), trained),
                spec.seed(),
                arena);
    }

    private List<ParameterGroup> groups(List<Parameter> trained) {
        Groups how = spec.optimizer().groups();
        int layers = subject.model().architecture().size().layers();
        return usualGroups(trained).stream()
                .flatMap(group -> group.cut(how, spec.optimizer().weightDecay(), layers).stream())
                .toList();
    }

    /// With LoRA+ output factors learn faster than the others.
    private List<ParameterGroup> usualGroups(List<Parameter> trained) {
        ResolvedSpec.Optimizer asked = spec.optimizer();
        if (spec.adapter() instanceof AdapterSpec.Lora lora
                && lora.refinements().plusRatio() != 1) {
            return ParameterGroup.loraPlus(
                    trained,
                    asked.weightDecay(),
                    lora.refinements().plusRatio(),
                    lora.refinements().plusEmbeddingRate() / asked.learningRate());
        }
        return ParameterGroup.byDecay(trained, asked.weightDecay());
    }

    private static OptimizerChoice optimizer(ResolvedSpec spec, ModelDirectory base) {
        ResolvedSpec.Optimizer asked = spec.optimizer();
        return new OptimizerChoice(
                asked.form(),
                asked.weightDecay(),
                new Optimizer.Limits(asked.maxGradNorm(), asked.groups().gradientLimit()),
                compute(spec),
                facts(base).headWidth(),
                spec.seed(),
                Resolver.changesInBackward(spec));
    }

    private static DType compute(ResolvedSpec spec) {
        return spec.precision() == Precision.BF16 ? DType.BF16 : DType.F32;
    }

    private Objective objective() {
        CheckpointPolicy memory = CheckpointPolicy.of(spec.recompute());
        Policy policy = new Policy(subject.model(), memory);
        return switch (spec.settings()) {
            case MethodSettings.Supervised settings when settings.loss() == TokenLoss.ASFT ->
                    new Distillation(
                            new Policy(
                                    subject.model(), memory, new EmbeddingNoise(settings.noise())),
                            reference().orElseThrow(),
                            new Distillation.Settings(0, 1, 1, settings.asftAlpha(), true));
            case GroupSettings settings -> group(settings, policy);
            case DistillSettings settings -> distillation(settings, policy);
            case MethodSettings.Supervised settings ->
                    new TokenObjective(
                            new Policy(
                                    subject.model(), memory, new EmbeddingNoise(settings.noise())),
                            settings);
            case MethodSettings.Pretrain() -> new TokenObjective(policy);
            case MethodSettings.Ppo settings -> ppo(settings, policy);
            case MethodSettings.Kto settings ->
                    new KtoObjective(policy, reference().orElseThrow(), settings);
            case MethodSettings.Reward settings ->
                    new RewardObjective(policy, subject.head().orElseThrow(), settings);
            case MethodSettings.ReferenceFree settings ->
                    new ReferenceFreeObjective(policy, settings);
            case MethodSettings.Preference settings ->
                    new PreferenceObjective(policy, reference(), settings);
        };
    }

    private Actor actor(Policy policy, Ppo.Rollout rollout, Grader grader) {
        return new Actor(
                drawer(policy, rollout),
                tokenizer.orElseThrow(),
                rows.items(),
                grader,
                companions.judges());
    }

    private Drawer drawer(Policy policy, Ppo.Rollout rollout) {
        return new Drawer(policy.model(), stopTokens(), rollout, spec.seed());
    }

    /// What ends the answers that the model draws: the same as where it is served.
    Set<Integer> stopTokens() {
        return StopTokens.of(sources.base(), tokenizer.orElseThrow(), chatTemplate());
    }

    private Objective group(GroupSettings settings, Policy policy) {
        return new GroupObjective(
                settings,
                new GroupUpdate(policy, settings.loss(), settings.rollout().temperature()),
                reference(),
                actor(policy, settings.rollout(), settings.grader()));
    }

    private Objective distillation(DistillSettings settings, Policy policy) {
        double soft = settings.softening();
        var learning =
                new Distillation(
                        policy,
                        companions.teacher(),
                        new Distillation.Settings(
                                settings.beta(),
                                soft,
                                1 - settings.alpha(),
                                settings.alpha() * soft * soft,
                                false));
        return settings.ownShare() == 0
                ? learning
                : new OwnAnswers(learning, drawer(policy, settings.rollout()), settings.ownShare());
    }

    private Objective ppo(MethodSettings.Ppo settings, Policy policy) {
        Actor actor = actor(policy, settings.rollout(), settings.grader());
        PpoUpdate update =
                new PpoUpdate(
                        policy,
                        subject.head().orElseThrow(),
                        settings.update(),
                        settings.rollout().temperature());
        return new PpoObjective(settings, update, reference().orElseThrow(), actor);
    }

    /// What the last bits of a run depend on beside its spec: equal environments resume exactly.
    public static Map<String, String> environment() {
        return RunEnvironment.current();
    }

    /// What happens at which step.
    public LoopPlan plan() {
        return plan;
    }

    /// Number of parameters that train.
    public long trainedParameters() {
        return subject.trained().stream().mapToLong(p -> p.value().elements()).sum();
    }

    /// The state before the first step.
    public LoopState start() {
        return LoopState.start(plan, spec.seed());
    }

    /// Brings a checkpoint into memory and returns the state to go on from.
    ///
    /// @throws CheckpointException if it is of another run or incomplete
    public Restored restore(Path checkpoint) {
        Restored restored =
                CheckpointFolder.read(
                        checkpoint, identity, state -> learner.resumeAt(state.applied()));
        learner.publish();
        learner.restore(checkpoint);
        return restored;
    }

    /// The loop, going on from a state of this run.
    public TrainingLoop loop(LoopState from, LoopObserver observer) {
        Optional<PackedRows> validation = rows.validation();
        return new TrainingLoop(
                learner, plan, rows.training(), validation, observer, from, System::nanoTime);
    }

    /// Writes a folder that [#restore] reads and that is a normal PEFT or Hugging Face folder too.
    public void writeCheckpoint(Path folder, LoopState state) throws IOException {
        writeCheckpoint(folder, state, Target.AT_ONCE);
    }

    /// As the other.
    ///
    /// @param target makes the large files
    public void writeCheckpoint(Path folder, LoopState state, Target target) throws IOException {
        writeWeights(folder, Place.EXPORT, false, target);
        CheckpointFolder.write(folder, identity, state, learner.state(), target);
        learner.save(folder);
    }

    /// What takes copies of a checkpoint's files, as far as the plan leaves memory for them.
    public FileCopies copies() {
        return new FileCopies(spareBytes);
    }

    /// Writes the adapter or the whole model, and the metrics of all steps. Nothing in the files
    /// depends on when, where or for which job they were made.
    public void writeResult(Path folder, LoopState state) throws IOException {
        writeWeights(folder, Place.RESULT, state.best().step() >= 0, Target.AT_ONCE);
        Files.writeString(folder.resolve(METRICS), state.metrics().csv());
    }

    private void writeWeights(Path folder, Place place, boolean found, Target target)
            throws IOException {
        learner.at(place, found);
        try {
            writeMeasured(folder, target);
        } finally {
            learner.at(Place.TRAINING, false);
        }
    }

    private void writeMeasured(Path folder, Target target) throws IOException {
        if (subject.adapter().isPresent()) {
            subject.adapter().get().save(folder, target);
        } else {
            ModelFolder.write(subject.model(), sources.base(), folder, target);
        }
        if (subject.head().isPresent()) {
            subject.head().get().save(folder);
        }
        Optional<String> template = chatTemplate();
        if (template.isPresent()) {
            Files.writeString(folder.resolve(ModelDirectory.CHAT_TEMPLATE), template.get());
        }
        NamedFormat.writeVariables(
                NamedFormat.variables(
                        sources.base(), sources.adapter(), spec.rows().plan().chat().variables()),
                folder);
    }

    /// The source of the chat template that rows were written with; empty for the usual ChatML. It
    /// lies beside everything that was trained, so that it is served with it.
    public Optional<String> chatTemplate() {
        return NamedFormat.source(sources.base(), spec.rows().template(), sources.adapter())
                .or(sources.base()::chatTemplate);
    }

    /// Bytes of a checkpoint, but for its small files.
    public long checkpointBytes() {
        long state = learner.state().values().stream().mapToLong(Tensor::bytes).sum();
        List<Parameter> written =
                subject.adapter().isPresent() ? subject.trained() : subject.model().parameters();
        return state + written.stream().mapToLong(parameter -> parameter.value().bytes()).sum();
    }

    /// Largest number of bytes that a step has used beside weights and optimizer.
    public long peakStepBytes() {
        return learner.peakStepBytes();
    }

    /// Bytes of gradients that were ever there at the same time.
    public long gradientBytes() {
        return learner.gradientBytes();
    }

    @Override
    public void close() {
        learner.close();
        states.close();
        tokenizer.ifPresent(Tokenizer::close);
        subject.adapter().ifPresent(TrainedAdapter::close);
        subject.region().close();
        subject.reference().ifPresent(Decoder::close);
        companions.close();
        subject.model().close();
        rows.close();
    }
}
