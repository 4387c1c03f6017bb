package dev.tunesmith.engine.loop;

import dev.tunesmith.contracts.data.DatasetStats;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodSettings;
import dev.tunesmith.engine.data.DatasetTokenizer;
import dev.tunesmith.engine.data.DatasetTokenizer.Tokenized;
import dev.tunesmith.engine.data.DatasetTokenizer.Trained;
import dev.tunesmith.engine.data.PackedRows;
import dev.tunesmith.engine.data.Packing;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.data.TokenShard;
import dev.tunesmith.engine.model.Architecture;
import dev.tunesmith.engine.text.NamedFormat;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The tokenised rows of a run: those that train, and those that are only measured.
///
/// Without a validation file a share of the rows is held out by their content, so the same rows
/// stay out when others are appended.
final class TrainingRows implements AutoCloseable {

    private static final int PROBLEMS_LISTED = 5;

    private final DatasetStats stats;
    private final List<Map<String, Object>> items = new ArrayList<>();
    private final List<TokenShard> shards = new ArrayList<>();
    private final PackedRows training;
    private final Optional<PackedRows> validation;

    private TrainingRows(
            ResolvedSpec spec, Path room, Tokenized training, Optional<Tokenized> validation)
            throws IOException {
        this.stats = training.stats();
        List<Sample> trained = new ArrayList<>();
        List<Long> lines = new ArrayList<>();
        List<Sample> measured = new ArrayList<>();
        items.addAll(training.items());
        validation.ifPresent(rows -> {
            int first = items.size();
            items.addAll(rows.items());
            rows.samples().stream()
                    .map(sample ->
                            spec.method().rowKind() == Method.RowKind.PROMPT
                                    ? sample.withValue(sample.value() + first)
                                    : sample)
                    .forEach(measured::add);
        });
        int group = spec.method().documentsPerRow();
        List<Sample> all = training.samples();
        for (int first = 0; first < all.size(); first += group) {
            boolean heldOut =
                    validation.isEmpty() && all.get(first).isInShare(spec.rows().validationShare());
            (heldOut ? measured : trained).addAll(all.subList(first, first + group));
            if (!heldOut) {
                lines.addAll(training.lines().subList(first, first + group));
            }
        }
        boolean answersItself = spec.method().rowKind() == Method.RowKind.PROMPT;
        if (trained.isEmpty()
                || (!answersItself
                        && trained.stream().mapToLong(Sample::trainedTokens).sum() == 0)) {
            throw new TrainingDataException(
                    "no row of the training file has a token to train on (%d rows read)"
                            .formatted(training.stats().rows()));
        }
        this.training = packed(spec, room.resolve("training.tokens"), trained).withLines(lines);
        this.validation =
                measured.isEmpty()
                        ? Optional.empty()
                        : Optional.of(packed(spec, room.resolve("validation.tokens"), measured));
    }

    static TrainingRows read(ResolvedSpec spec, TrainingRun.Sources sources, Path room)
            throws IOException {
        var options =
                new DatasetTokenizer.Options(
                        spec.method(),
                        spec.rows().maxSeqLen(),
                        spec.rows().overflow(),
                        trained(spec),
                        PROBLEMS_LISTED);
        Optional<String> template = NamedFormat.source(sources.base(), spec.rows().template());
        try (DatasetTokenizer tokenizer =
                DatasetTokenizer.of(
                        sources.base(),
                        options,
                        template,
                        Architecture.sight(sources.base().config()))) {
            Tokenized training = read(tokenizer, "training file", sources.training());
            Optional<Tokenized> validation = Optional.empty();
            if (sources.validation().isPresent()) {
                validation =
                        Optional.of(read(tokenizer, "validation file", sources.validation().get()));
            }
            return new TrainingRows(spec, room, training, validation);
        }
    }

    private static Trained trained(ResolvedSpec spec) {
        boolean lastOnly =
                spec.settings() instanceof MethodSettings.Supervised supervised
                        && supervised.lastAnswerOnly();
        return spec.rows().trainOnPrompt()
                ? Trained.ALL
                : lastOnly ? Trained.LAST_ANSWER : Trained.ANSWERS;
    }

    private static Tokenized read(DatasetTokenizer tokenizer, String what, Path file)
            throws IOException {
        Tokenized rows = tokenizer.read(file);
        if (rows.problemCount() > 0) {
            throw new TrainingDataException(what, rows.problems(), rows.problemCount());
        }
        return rows;
    }

    private PackedRows packed(ResolvedSpec spec, Path file, List<Sample> samples)
            throws IOException {
        TokenShard.write(file, scored(spec, samples), Map.of());
        TokenShard shard = TokenShard.open(file);
        shards.add(shard);
        int capacity = spec.rows().maxSeqLen();
        int group = spec.method().documentsPerRow();
        return group > 1
                ? PackedRows.ofGroups(shard, group, capacity)
                : PackedRows.of(shard, packing(spec), capacity);
    }

    /// Where the cross-entropy is over whole documents, the prompts of chosen answers count too.
    private static List<Sample> scored(ResolvedSpec spec, List<Sample> samples) {
        boolean whole =
                spec.settings() instanceof MethodSettings.ReferenceFree free
                        && free.nll() == MethodSettings.ReferenceFree.Nll.FULL;
        if (!whole) {
            return samples;
        }
        List<Sample> scored = new ArrayList<>();
        for (int i = 0; i < samples.size(); i++) {
            scored.add(i % 2 == 0 ? samples.get(i).withContext() : samples.get(i));
        }
        return scored;
    }

    private static Packing packing(ResolvedSpec spec) {
        if (spec.method() == Method.PRETRAIN) {
            return spec.rows().packing() ? Packing.WRAPPED : Packing.NONE;
        }
        return spec.rows().packing() ? Packing.BEST_FIT : Packing.NONE;
    }

    PackedRows training() {
        return training;
    }

    Optional<PackedRows> validation() {
        return validation;
    }

    /// The rows that graders read.
    List<Map<String, Object>> items() {
        return items;
    }

    DatasetStats stats() {
        return stats;
    }

    @Override
    public void close() {
        shards.forEach(TokenShard::close);
    }
}
