package dev.tunesmith.contracts.mixture;

import dev.tunesmith.contracts.dataset.Mixing;
import dev.tunesmith.contracts.template.ChatOptions;
import dev.tunesmith.contracts.twin.Likeness;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// What is trained in which order, and how conversations are written.
///
/// @param files training files; the first one is the job's `training_file`. Empty for that one
///   file, whole and recognised by itself
/// @param validation how the validation file is read; null recognises it
/// @param orderColumn the column of [RowOrder#BY_COLUMN]
/// @param deduplicate how alike rows are of which only the first is trained; null trains all
/// @param chat variables of the chat template, and whether texts may name control tokens
public record DataPlan(
        List<DataFile> files,
        Mixing mixing,
        @Nullable Reading validation,
        RowOrder order,
        @Nullable String orderColumn,
        @Nullable Likeness deduplicate,
        ChatOptions chat) {

    /// One file, recognised by itself, in a shuffled order.
    public static final DataPlan PLAIN =
            new DataPlan(List.of(), Mixing.CONCAT, null, RowOrder.SHUFFLED, null, null);

    public DataPlan {
        // Jobs of earlier releases were stored without some of these.
        files = files == null ? List.of() : List.copyOf(files);
        mixing = Objects.requireNonNullElse(mixing, Mixing.CONCAT);
        order = Objects.requireNonNullElse(order, RowOrder.SHUFFLED);
        chat = Objects.requireNonNullElse(chat, ChatOptions.NONE);
    }

    /// Conversations are written as the template does by itself.
    public DataPlan(
            List<DataFile> files,
            Mixing mixing,
            @Nullable Reading validation,
            RowOrder order,
            @Nullable String orderColumn,
            @Nullable Likeness deduplicate) {
        this(files, mixing, validation, order, orderColumn, deduplicate, ChatOptions.NONE);
    }

    /// The shares of the files if lots are drawn for them, adding up to 1; empty if they take
    /// turns.
    public double[] shares() {
        boolean weighted = files.stream().anyMatch(file -> file.weight() != null);
        if (!weighted || mixing == Mixing.CONCAT) {
            return new double[0];
        }
        double[] shares =
                files.stream()
                        .mapToDouble(file -> Objects.requireNonNullElse(file.weight(), 1d))
                        .toArray();
        double sum = 0;
        for (double share : shares) {
            sum += share;
        }
        for (int i = 0; i < shares.length; i++) {
            shares[i] /= sum;
        }
        return shares;
    }

    /// How a training file is read.
    public Reading reading(int file) {
        return files.isEmpty() ? Reading.RECOGNISED : files.get(file).reading();
    }

    /// Every value by its key in `x_training`.
    public void addTo(Map<String, Object> flat) {
        if (!files.isEmpty()) {
            flat.put("data", files.stream().map(DataFile::wire).toList());
            flat.put("mix_strategy", mixing.wire());
        }
        if (validation != null) {
            flat.put("validation_data", validation.wire());
        }
        if (order != RowOrder.SHUFFLED) {
            flat.put("row_order", order.wire());
        }
        if (orderColumn != null) {
            flat.put("order_column", orderColumn);
        }
        if (deduplicate != null) {
            flat.put("deduplicate", deduplicate.wire());
        }
        if (!chat.variables().isEmpty()) {
            flat.put(ChatOptions.KWARGS, chat.variables());
        }
        if (chat.parsesSpecial()) {
            flat.put(ChatOptions.PARSES_SPECIAL, true);
        }
    }

    /// The same in a map of its own.
    public Map<String, Object> wire() {
        Map<String, Object> flat = new LinkedHashMap<>();
        addTo(flat);
        return flat;
    }
}
