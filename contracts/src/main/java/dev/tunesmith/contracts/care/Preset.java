package dev.tunesmith.contracts.care;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import dev.tunesmith.contracts.data.DatasetStats;
import dev.tunesmith.contracts.fit.ModelFacts;
import dev.tunesmith.contracts.method.AdapterKind;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.optim.OptimizerKind;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What a job is to be good at, for everything that it does not say itself.
public enum Preset {
    /// The best model: ranks that grow with the data, held-out rows, the best state as the result.
    QUALITY,
    /// Ranks that grow with the data; everything else as it is without a preset.
    BALANCED,
    /// The shortest run: small rank, few passes, the longest twentieth of the rows cut.
    FAST,
    /// The smallest device: four-bit weights or no optimizer state, one row at once.
    SMALLEST_MEMORY;

    private static final int RANK_SMALL = 8;
    private static final int LENGTH_STEP = 64;
    private static final long ROWS_HELD_OUT_MIN = 50;
    private static final long ROWS_OF_SHORT_RUN = 1000;

    /// A value and why it is that one.
    public record Chosen(Object value, String reason) {}

    /// What the choice depends on.
    ///
    /// @param adapter that was asked for; null for none named
    /// @param validated whether there is a validation file
    public record Case(
            Method method,
            ModelFacts model,
            DatasetStats stats,
            @Nullable AdapterKind adapter,
            boolean validated) {

        private boolean wholeModel() {
            return adapter == null ? method == Method.PRETRAIN : adapter.weights();
        }

        private boolean answersItself() {
            return method.rowKind() == Method.RowKind.PROMPT;
        }
    }

    /// The values that it sets, by their keys.
    public Map<String, Chosen> values(Case of) {
        return switch (this) {
            case QUALITY -> quality(of);
            case BALANCED -> Map.of("rank", rank(of));
            case FAST -> fast(of);
            case SMALLEST_MEMORY -> smallest(of);
        };
    }

    /// The rank of an adapter for so much data: about as many bits of weights as there are tokens
    /// to learn from.
    public static Chosen rank(Case of) {
        long tokens = of.stats.trainedTokens();
        int rank =
                tokens < 20_000
                        ? RANK_SMALL
                        : tokens < 2_000_000 ? 16 : tokens < 20_000_000 ? 32 : 64;
        return new Chosen(rank, "%d tokens to learn from".formatted(tokens));
    }

    private static Map<String, Chosen> quality(Case of) {
        var values = new LinkedHashMap<String, Chosen>();
        int rank = Math.max(32, 2 * (Integer) rank(of).value());
        values.put(
                "rank",
                new Chosen(
                        rank,
                        "quality: twice the usual rank for %d tokens"
                                .formatted(of.stats.trainedTokens())));
        values.put("use_rslora", new Chosen(true, "quality: keeps the scale of high ranks"));
        values.put("warmup_ratio", new Chosen(0.05, "quality: a longer warm-up"));
        boolean heldOut = !of.answersItself() && of.stats.rows() >= ROWS_HELD_OUT_MIN;
        if (heldOut && !of.validated) {
            double share = of.stats.rows() >= ROWS_OF_SHORT_RUN ? 0.05 : 0.1;
            values.put(
                    "val_size",
                    new Chosen(
                            share, "quality: rows to judge by, of %d".formatted(of.stats.rows())));
        }
        if (heldOut || of.validated) {
            values.put("load_best_at_end", new Chosen(true, "quality: the best state counts"));
            values.put(
                    "early_stopping_patience", new Chosen(3, "quality: ends when it gets worse"));
        }
        return values;
    }

    private static Map<String, Chosen> fast(Case of) {
        var values = new LinkedHashMap<String, Chosen>();
        values.put("rank", new Chosen(RANK_SMALL, "fast: a small adapter"));
        if (of.stats.rows() >= ROWS_OF_SHORT_RUN) {
            values.put(
                    "n_epochs",
                    new Chosen(1, "fast: %d rows are read once".formatted(of.stats.rows())));
        }
        putLength(of, values);
        return values;
    }

    private static Map<String, Chosen> smallest(Case of) {
        var values = new LinkedHashMap<String, Chosen>();
        if (of.adapter == null && !of.wholeModel()) {
            values.put(
                    "adapter", new Chosen(AdapterKind.QLORA, "smallest_memory: four-bit weights"));
        }
        values.put("rank", new Chosen(RANK_SMALL, "smallest_memory: a small adapter"));
        values.put(
                "optimizer",
                of.wholeModel()
                        ? new Chosen(
                                OptimizerKind.ADALOMO,
                                "smallest_memory: no state and the gradient of one layer")
                        : new Chosen(OptimizerKind.ADAMW_8BIT, "smallest_memory: 8-bit moments"));
        values.put("micro_batch", new Chosen(1, "smallest_memory: one row at once"));
        values.put(
                "gradient_checkpointing",
                new Chosen(true, "smallest_memory: layers keep their input only"));
        putLength(of, values);
        return values;
    }

    /// Rows as long as all but a twentieth need; documents are packed into rows of their own size.
    private static void putLength(Case of, Map<String, Chosen> values) {
        int usual = Math.ceilDiv(of.stats.percentile95(), LENGTH_STEP) * LENGTH_STEP;
        if (of.method != Method.PRETRAIN && usual > 0 && usual < of.stats.longest()) {
            values.put(
                    "max_seq_len",
                    new Chosen(
                            Math.min(usual, of.model.contextLength()),
                            "19 of 20 rows have at most %d tokens, the longest %d"
                                    .formatted(of.stats.percentile95(), of.stats.longest())));
        }
    }

    @JsonCreator
    public static Preset of(String wire) {
        return valueOf(wire.toUpperCase(Locale.ROOT));
    }

    @JsonValue
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }
}
