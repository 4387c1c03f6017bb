package dev.tunesmith.contracts.fit;

import dev.tunesmith.contracts.method.AdapterKind;
import dev.tunesmith.contracts.optim.OptimizerSpec;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What a job does to memory: everything of its settings that a [MemoryPlan] depends on.
///
/// @param loraRank 0 trains all weights
/// @param targetModules what LoRA adapts; `all-linear` stands for every linear layer but the head
/// @param frozenBits bits of a frozen weight of the linear layers when they are quantised, else 0
/// @param bf16 weights and products in bf16, trained values with fp32 masters
/// @param microBatch rows of one batch
/// @param rowTokens tokens of the longest row
/// @param frozenCopies whole models beside the one that trains; an adapter needs none
/// @param kind what the rank is of: a block or learned tokens in some kinds of adapters
/// @param portion what trains of the model's weights; null for all of them, or none
/// @param optimizer what keeps state beside the weights
/// @param checkpointing keep only the input of each layer and compute the rest again
public record Workload(
        int loraRank,
        List<String> targetModules,
        double frozenBits,
        boolean bf16,
        int microBatch,
        int rowTokens,
        boolean checkpointing,
        int frozenCopies,
        AdapterKind kind,
        @Nullable Portion portion,
        OptimizerSpec optimizer) {
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

    public Workload {
        targetModules = List.copyOf(targetModules);
    }

    /// A job with one model, whose weights are not quantised.
    public Workload(
            int loraRank,
            List<String> targetModules,
            boolean bf16,
            int microBatch,
            int rowTokens,
            boolean checkpointing) {
        this(
                loraRank,
                targetModules,
                0,
                bf16,
                microBatch,
                rowTokens,
                checkpointing,
                0,
                loraRank > 0 ? AdapterKind.LORA : AdapterKind.NONE,
                null,
                OptimizerSpec.ADAMW);
    }

    /// The same job with frozen models beside the one that trains.
    public Workload withFrozenCopies(int copies) {
        return new Workload(
                loraRank,
                targetModules,
                frozenBits,
                bf16,
                microBatch,
                rowTokens,
                checkpointing,
                copies,
                kind,
                portion,
                optimizer);
    }

    public boolean lora() {
        return loraRank > 0;
    }

    public boolean quantised() {
        return frozenBits > 0;
    }

    /// Tokens of the largest batch, learned ones included.
    public long tokens() {
        return (long) microBatch * (rowTokens + (kind.virtualTokens() ? loraRank : 0));
    }

    public Workload withMicroBatch(int rows) {
        return new Workload(
                loraRank,
                targetModules,
                frozenBits,
                bf16,
                rows,
                rowTokens,
                checkpointing,
                frozenCopies,
                kind,
                portion,
                optimizer);
    }

    public Workload withRowTokens(int tokens) {
        return new Workload(
                loraRank,
                targetModules,
                frozenBits,
                bf16,
                microBatch,
                tokens,
                checkpointing,
                frozenCopies,
                kind,
                portion,
                optimizer);
    }

    public Workload withCheckpointing() {
        return new Workload(
                loraRank,
                targetModules,
                frozenBits,
                bf16,
                microBatch,
                rowTokens,
                true,
                frozenCopies,
                kind,
                portion,
                optimizer);
    }

    public Workload withLora(int rank) {
        return new Workload(
                rank,
                List.of("all-linear"),
                frozenBits,
                bf16,
                microBatch,
                rowTokens,
                checkpointing,
                0,
                AdapterKind.LORA,
                null,
                optimizer);
    }

    public Workload withFrozenBits(double bits) {
        return new Workload(
                loraRank,
                targetModules,
                bits,
                bf16,
                microBatch,
                rowTokens,
                checkpointing,
                frozenCopies,
                kind,
                portion,
                optimizer);
    }

    /// The same job with another kind of adapter.
    public Workload withKind(AdapterKind other) {
        return new Workload(
                loraRank,
                targetModules,
                frozenBits,
                bf16,
                microBatch,
                rowTokens,
                checkpointing,
                frozenCopies,
                other,
                portion,
                optimizer);
    }

    /// The same job in which only a part of the model trains.
    public Workload withPortion(AdapterKind part, Portion trained) {
        return new Workload(
                loraRank,
                targetModules,
                frozenBits,
                bf16,
                microBatch,
                rowTokens,
                checkpointing,
                frozenCopies,
                part,
                trained,
                optimizer);
    }

    /// The same job with another optimizer.
    public Workload withOptimizer(OptimizerSpec other) {
        return new Workload(
                loraRank,
                targetModules,
                frozenBits,
                bf16,
                microBatch,
                rowTokens,
                checkpointing,
                frozenCopies,
                kind,
                portion,
                other);
    }
}
