package dev.tunesmith.contracts.fit;

import dev.tunesmith.contracts.method.AdapterKind;
import dev.tunesmith.contracts.optim.OptimizerSpec;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What a job does to memory: everything of its settings that a [MemoryPlan] depends on.
///
/// @param bf16 weights and products in bf16, trained values with fp32 masters
/// @param beside other models that are held
/// @param optimizer what keeps state beside the weights
/// @param kept what else is kept of the weights that train
/// @param depth which layers tokens pass
public record Workload(
        Trained trained,
        Batch batch,
        boolean bf16,
        List<Beside> beside,
        OptimizerSpec optimizer,
        Kept kept,
        Depth depth) {

    public Workload {
        beside = List.copyOf(beside);
    }

    /// What is kept of the weights that train, and how they are changed.
    ///
    /// @param average whether there is a moving average of them
    /// @param best whether the best of them are kept aside
    /// @param onDisk whether the optimizer's states lie in a mapped file
    /// @param atOnce whether a step is one batch, so that an optimizer which can do that changes
    ///   each layer as soon as its gradient is there
    public record Kept(boolean average, boolean best, boolean onDisk, boolean atOnce) {
        /// Nothing else, and all gradients at once.
        public static final Kept NOTHING = new Kept(false, false, false, false);
    }

    /// What trains, and how the rest is held.
    ///
    /// @param rank of an adapter: 0 trains weights of the model
    /// @param targetModules what LoRA adapts; `all-linear` stands for every linear layer but the
    ///   head
    /// @param frozenBits bits of a frozen weight of the linear layers when they are quantised, else
    ///   0
    /// @param kind what the rank is of: a block or learned tokens in some kinds of adapters
    /// @param portion what trains of the model's weights; null for all of them, or none
    public record Trained(
            int rank,
            List<String> targetModules,
            double frozenBits,
            AdapterKind kind,
            @Nullable Portion portion) {
        public Trained {
            targetModules = List.copyOf(targetModules);
        }
    }

    /// Threads of a small machine; a larger one has more memory for what each of them needs.
    private static final int THREADS = 2;

    /// The largest batch.
    ///
    /// @param rowTokens tokens of the longest row
    /// @param threads that compute, each with working memory of its own
    /// @param drawn answers that the model itself draws at once, each with its prompt as long as a
    ///   row; 0 where it draws none
    public record Batch(int rows, int rowTokens, Recompute recompute, int threads, int drawn) {}

    /// What trains of a model, where that is neither all of it nor an adapter.
    ///
    /// @param layers layers that train, in rising order
    /// @param modules what trains of them, or `all`
    /// @param extra what trains beside the layers
    /// @param newLayers layers that the model gets first
    /// @param share share of the layers that trains, where they are chosen later; else 0
    public record Portion(
            List<Integer> layers,
            List<String> modules,
            List<String> extra,
            int newLayers,
            double share) {
        public Portion {
            layers = List.copyOf(layers);
            modules = List.copyOf(modules);
            extra = List.copyOf(extra);
        }
    }

    /// A job with one model, whose weights are not quantised.
    public Workload(
            int loraRank,
            List<String> targetModules,
            boolean bf16,
            int microBatch,
            int rowTokens,
            Recompute recompute) {
        this(
                new Trained(
                        loraRank,
                        targetModules,
                        0,
                        loraRank > 0 ? AdapterKind.LORA : AdapterKind.NONE,
                        null),
                new Batch(microBatch, rowTokens, recompute, THREADS, 0),
                bf16,
                List.of(),
                OptimizerSpec.ADAMW,
                Kept.NOTHING,
                Depth.OFF);
    }

    /// The rank of an adapter, 0 without one.
    public int loraRank() {
        return trained.rank;
    }

    /// What LoRA adapts.
    public List<String> targetModules() {
        return trained.targetModules;
    }

    /// Bits of a frozen weight, 0 if it is not quantised.
    public double frozenBits() {
        return trained.frozenBits;
    }

    /// What the rank is of.
    public AdapterKind kind() {
        return trained.kind;
    }

    /// What trains of the model's weights; null for all of them, or none.
    public @Nullable Portion portion() {
        return trained.portion;
    }

    /// Rows of one batch.
    public int microBatch() {
        return batch.rows;
    }

    /// Tokens of the longest row.
    public int rowTokens() {
        return batch.rowTokens;
    }

    /// Answers that are drawn at once.
    public int drawn() {
        return batch.drawn;
    }

    /// What is computed a second time instead of being kept.
    public Recompute recompute() {
        return batch.recompute;
    }

    /// Threads that compute.
    public int threads() {
        return batch.threads;
    }

    public boolean lora() {
        return trained.rank > 0;
    }

    public boolean quantised() {
        return trained.frozenBits > 0;
    }

    /// Tokens of the largest batch, learned ones included.
    public long tokens() {
        int learned = trained.kind.virtualTokens() ? trained.rank : 0;
        return (long) batch.rows * (batch.rowTokens + learned);
    }

    private Workload with(Trained other) {
        return new Workload(other, batch, bf16, beside, optimizer, kept, depth);
    }

    private Workload with(Batch other) {
        return new Workload(trained, other, bf16, beside, optimizer, kept, depth);
    }

    /// The same job with other models beside the one that trains.
    public Workload withBeside(List<Beside> models) {
        return new Workload(trained, batch, bf16, models, optimizer, kept, depth);
    }

    /// A model that only reads so many rows of this job.
    Workload withoutTraining(int rows) {
        Batch read = new Batch(rows, batch.rowTokens, Recompute.NONE, batch.threads, batch.drawn);
        Trained nothing = new Trained(0, List.of(), 0, AdapterKind.NONE, null);
        return new Workload(nothing, read, bf16, List.of(), optimizer, Kept.NOTHING, Depth.OFF);
    }

    public Workload withMicroBatch(int rows) {
        return with(new Batch(rows, batch.rowTokens, batch.recompute, batch.threads, batch.drawn));
    }

    public Workload withRowTokens(int tokens) {
        return with(new Batch(batch.rows, tokens, batch.recompute, batch.threads, batch.drawn));
    }

    public Workload withRecompute(Recompute policy) {
        return with(new Batch(batch.rows, batch.rowTokens, policy, batch.threads, batch.drawn));
    }

    public Workload withThreads(int count) {
        return with(new Batch(batch.rows, batch.rowTokens, batch.recompute, count, batch.drawn));
    }

    /// The same job that draws answers.
    public Workload withDrawn(int answers) {
        return with(
                new Batch(batch.rows, batch.rowTokens, batch.recompute, batch.threads, answers));
    }

    public Workload withLora(int rank) {
        var lora =
                new Trained(
                        rank, List.of("all-linear"), trained.frozenBits, AdapterKind.LORA, null);
        List<Beside> others =
                beside.stream().filter(model -> model.use() != Beside.Use.BEFORE).toList();
        return new Workload(lora, batch, bf16, others, optimizer, kept, depth);
    }

    public Workload withFrozenBits(double bits) {
        return with(
                new Trained(
                        trained.rank, trained.targetModules, bits, trained.kind, trained.portion));
    }

    /// The same job with another kind of adapter.
    public Workload withKind(AdapterKind other) {
        return with(
                new Trained(
                        trained.rank,
                        trained.targetModules,
                        trained.frozenBits,
                        other,
                        trained.portion));
    }

    /// The same job in which only a part of the model trains.
    public Workload withPortion(AdapterKind part, Portion trainedPart) {
        return with(
                new Trained(
                        trained.rank,
                        trained.targetModules,
                        trained.frozenBits,
                        part,
                        trainedPart));
    }

    /// The same job with another optimizer.
    public Workload withOptimizer(OptimizerSpec other) {
        return new Workload(trained, batch, bf16, beside, other, kept, depth);
    }

    /// The same job that keeps other things.
    public Workload withKept(Kept other) {
        return new Workload(trained, batch, bf16, beside, optimizer, other, depth);
    }

    /// The same job whose tokens pass those layers.
    public Workload withDepth(Depth other) {
        return new Workload(trained, batch, bf16, beside, optimizer, kept, other);
    }
}
