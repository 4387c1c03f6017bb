package dev.tunesmith.engine.loop;

import dev.tunesmith.contracts.data.DatasetStats;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodSettings;
import dev.tunesmith.contracts.mixture.DataPlan;
import dev.tunesmith.contracts.mixture.Reading;
import dev.tunesmith.contracts.mixture.TrainedTurns;
import dev.tunesmith.contracts.template.ChatOptions;
import dev.tunesmith.engine.corpus.Corpus;
import dev.tunesmith.engine.corpus.CorpusFile;
import dev.tunesmith.engine.corpus.RowChoice;
import dev.tunesmith.engine.corpus.ShardStore;
import dev.tunesmith.engine.data.DatasetTokenizer;
import dev.tunesmith.engine.data.PackedRows;
import dev.tunesmith.engine.data.Packing;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.model.Architecture;
import dev.tunesmith.engine.text.NamedFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.AbstractList;
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
    private final List<Map<String, Object>> items;
    private final List<String> notes = new ArrayList<>();
    private final List<Corpus> corpora;
    private final PackedRows training;
    private final Optional<PackedRows> validation;

    private TrainingRows(ResolvedSpec spec, Corpus training, Optional<Corpus> validation) {
        this.corpora = new ArrayList<>(List.of(training));
        validation.ifPresent(corpora::add);
        this.stats = training.stats();
        this.items =
                validation.isEmpty()
                        ? training.items()
                        : new Joined(training.items(), validation.get().items());
        corpora.forEach(corpus -> notes.addAll(corpus.notes()));
        RowChoice trained = training.rows();
        Optional<PackedRows.Documents> measured = Optional.empty();
        if (validation.isPresent()) {
            measured = Optional.of(numbered(validation.get().rows(), training.items().size()));
        } else if (spec.rows().validationShare() > 0) {
            RowChoice.Divided divided = trained.divided(spec.rows().validationShare(), spec.seed());
            trained = divided.training();
            measured =
                    divided.heldOut().rows() == 0
                            ? Optional.empty()
                            : Optional.of(divided.heldOut());
        }
        boolean answersItself = spec.method().rowKind() == Method.RowKind.PROMPT;
        if (trained.rows() == 0 || (!answersItself && trained.trainedTokens() == 0)) {
            throw new TrainingDataException(
                    "no row of the training file has a token to train on (%d rows read)"
                            .formatted(stats.rows()));
        }
        this.training = packed(spec, trained.ordered(spec.rows().plan().order()));
        this.validation = measured.map(rows -> packed(spec, rows));
    }

    /// One list behind another; both stay where they are.
    private static final class Joined extends AbstractList<Map<String, Object>> {
        private final List<Map<String, Object>> first;
        private final List<Map<String, Object>> second;

        Joined(List<Map<String, Object>> first, List<Map<String, Object>> second) {
            this.first = first;
            this.second = second;
        }

        @Override
        public Map<String, Object> get(int index) {
            int before = first.size();
            return index < before ? first.get(index) : second.get(index - before);
        }

        @Override
        public int size() {
            return first.size() + second.size();
        }
    }

    /// Documents whose values are places in a longer list.
    private static PackedRows.Documents numbered(RowChoice rows, int first) {
        if (first == 0) {
            return rows;
        }
        return new PackedRows.Documents() {
            @Override
            public int[] lengths() {
                return rows.lengths();
            }

            @Override
            public Sample sample(Packing.Piece piece) {
                Sample sample = rows.sample(piece);
                return sample.withValue(sample.value() + first);
            }
        };
    }

    static TrainingRows read(
            ResolvedSpec spec, TrainingRun.Sources sources, Path room, ShardStore store)
            throws IOException {
        var options =
                new DatasetTokenizer.Options(
                        spec.method(),
                        spec.rows().maxSeqLen(),
                        spec.rows().overflow(),
                        trained(spec),
                        PROBLEMS_LISTED,
                        written(spec, sources));
        Optional<String> template =
                NamedFormat.source(sources.base(), spec.rows().template(), sources.adapter());
        DataPlan plan = spec.rows().plan();
        try (DatasetTokenizer tokenizer =
                DatasetTokenizer.of(
                        sources.base(),
                        options,
                        template,
                        Architecture.sight(sources.base().config()))) {
            Corpus training =
                    read(
                            tokenizer,
                            sources.files(plan),
                            plan,
                            spec.seed(),
                            folder(room, "training"),
                            store);
            Optional<Corpus> validation = Optional.empty();
            try {
                if (sources.validation().isPresent()) {
                    Reading asked = plan.validation();
                    CorpusFile file =
                            CorpusFile.whole(
                                    sources.validation().get(),
                                    asked == null ? Reading.RECOGNISED : asked);
                    validation =
                            Optional.of(
                                    read(
                                            tokenizer,
                                            List.of(file),
                                            DataPlan.PLAIN,
                                            spec.seed(),
                                            folder(room, "validation"),
                                            store));
                }
                return new TrainingRows(spec, training, validation);
            } catch (IOException | RuntimeException e) {
                training.close();
                validation.ifPresent(Corpus::close);
                throw e;
            }
        }
    }

    private static Path folder(Path room, String name) throws IOException {
        return Files.createDirectories(room.resolve(name));
    }

    private static ChatOptions written(ResolvedSpec spec, TrainingRun.Sources sources) {
        ChatOptions asked = spec.rows().plan().chat();
        return ChatOptions.of(
                NamedFormat.variables(sources.base(), sources.adapter(), asked.variables()),
                asked.parsesSpecial());
    }

    private static TrainedTurns trained(ResolvedSpec spec) {
        boolean lastOnly =
                spec.settings() instanceof MethodSettings.Supervised supervised
                        && supervised.lastAnswerOnly();
        return spec.rows().trainOnPrompt()
                ? TrainedTurns.ALL
                : lastOnly ? TrainedTurns.LAST_ANSWER : TrainedTurns.ANSWERS;
    }

    private static Corpus read(
            DatasetTokenizer tokenizer,
            List<CorpusFile> files,
            DataPlan plan,
            long seed,
            Path room,
            ShardStore store)
            throws IOException {
        Corpus rows = Corpus.read(tokenizer, files, plan, seed, room, store);
        if (rows.problemCount() > 0) {
            rows.close();
            String what = files.getFirst().name();
            throw new TrainingDataException(what, rows.problems(), rows.problemCount());
        }
        return rows;
    }

    private static PackedRows packed(ResolvedSpec spec, PackedRows.Documents documents) {
        PackedRows.Documents rows = scored(spec, documents);
        int capacity = spec.rows().maxSeqLen();
        int group = spec.method().documentsPerRow();
        return group > 1
                ? PackedRows.ofGroups(rows, group, capacity)
                : PackedRows.of(rows, packing(spec), capacity);
    }

    /// Where the cross-entropy is over whole documents, the prompts of chosen answers count too.
    private static PackedRows.Documents scored(ResolvedSpec spec, PackedRows.Documents documents) {
        boolean whole =
                spec.settings() instanceof MethodSettings.ReferenceFree free
                        && free.nll() == MethodSettings.ReferenceFree.Nll.FULL;
        if (!whole) {
            return documents;
        }
        return new PackedRows.Documents() {
            @Override
            public int[] lengths() {
                return documents.lengths();
            }

            @Override
            public Sample sample(Packing.Piece piece) {
                Sample sample = documents.sample(piece);
                return piece.row() % 2 == 0 ? sample.withContext() : sample;
            }

            @Override
            public long line(int document) {
                return documents.line(document);
            }
        };
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

    /// What the owner of the files should know.
    List<String> notes() {
        return notes;
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
        corpora.forEach(Corpus::close);
    }
}
