package dev.tunesmith.contracts.fit;

import dev.tunesmith.contracts.method.AdapterKind;
import java.util.List;

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
        AdapterKind kind) {
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
                loraRank > 0 ? AdapterKind.LORA : AdapterKind.NONE);
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
                kind);
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
                kind);
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
                kind);
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
                kind);
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
                AdapterKind.LORA);
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
                kind);
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
                other);
    }
}
