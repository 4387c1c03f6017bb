package dev.tunesmith.contracts.mixture;

import dev.tunesmith.contracts.dataset.DatasetCatalog;
import dev.tunesmith.contracts.dataset.DatasetEntry;
import dev.tunesmith.contracts.dataset.FileKind;
import dev.tunesmith.contracts.dataset.Mixing;
import dev.tunesmith.contracts.id.FileId;
import dev.tunesmith.contracts.problem.Fields;
import dev.tunesmith.contracts.problem.Fields.Range;
import dev.tunesmith.contracts.problem.NearestName;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.contracts.problem.Problems;
import dev.tunesmith.contracts.template.ChatOptions;
import dev.tunesmith.contracts.twin.Likeness;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Reads the keys of `x_training` that say what is trained: `data`, `dataset_info`, `mix_strategy`,
/// `interleave_probs`, `max_samples`, `validation_data`, `row_order`, `order_column`,
/// `deduplicate`, `chat_template_kwargs`, `enable_thinking`, `parse_special_tokens`.
public final class DataRules {

    private static final int FILES_MAX = 64;
    private static final int NAME_MAX = 256;
    private static final int ROWS_MAX = 1_000_000_000;
    private static final int NAMES_MAX = 32;
    private static final Range WEIGHT = Range.above(0, 1e9);

    private final Fields fields;
    private final Problems problems;
    private final Files files;
    private final Map<String, DatasetEntry> catalog = new LinkedHashMap<>();

    /// What is known of files.
    public interface Files {
        /// The file that a text names, by its id; null after noting what is wrong with it.
        ///
        /// @param overruled whether its rows are read in another way than the upload's check did
        @Nullable FileId file(Fields fields, String key, boolean overruled);

        /// The newest file that was uploaded with a name.
        default Optional<FileId> named(String fileName) {
            return Optional.empty();
        }

        /// The JSON object in a file; empty if it is none.
        default Optional<Map<String, Object>> document(FileId file) {
            return Optional.empty();
        }
    }

    private DataRules(Fields fields, Problems problems, Files files) {
        this.fields = fields;
        this.problems = problems;
        this.files = files;
    }

    /// Reads the keys and notes everything that is wrong with them.
    public static DataPlan read(Fields training, Problems problems, Files files) {
        return new DataRules(training, problems, files).plan();
    }

    private DataPlan plan() {
        readCatalog();
        Integer maxSamples = fields.integer("max_samples", 1, ROWS_MAX);
        List<DataFile> data = new ArrayList<>();
        for (Fields entry : fields.objects("data", FILES_MAX)) {
            file(entry, maxSamples).ifPresent(data::add);
            entry.rejectOthers(Map.of());
        }
        if (fields.hasList("data") && data.isEmpty() && problems.none()) {
            fields.problem(ProblemCode.INVALID_VALUE, "data", "names no file");
        }
        List<DataFile> weighted = withShares(data);
        boolean lots = weighted.stream().anyMatch(file -> file.weight() != null);
        Mixing asked = fields.choice("mix_strategy", List.of(Mixing.values()), Mixing::wire);
        Mixing mixing = asked == null ? lots ? Mixing.INTERLEAVE_OVER : Mixing.CONCAT : asked;
        if (lots && mixing == Mixing.CONCAT) {
            fields.problem(
                    ProblemCode.INVALID_VALUE,
                    "mix_strategy",
                    "concat takes all rows of all files, so weights have no meaning: leave them out"
                            + " or choose interleave_under, interleave_over or interleave_once");
        }
        RowOrder order = fields.choice("row_order", List.of(RowOrder.values()), RowOrder::wire);
        String column = fields.text("order_column", NAME_MAX);
        if ((order == RowOrder.BY_COLUMN) != (column != null)) {
            fields.problem(
                    ProblemCode.INVALID_VALUE,
                    column == null ? "order_column" : "row_order",
                    "row_order by_column and order_column belong together");
        }
        Reading validation = null;
        if (fields.hasObject("validation_data")) {
            Fields given = fields.object("validation_data");
            validation = reading(given);
            given.rejectOthers(Map.of());
        }
        return new DataPlan(
                weighted,
                mixing,
                validation,
                order == null ? RowOrder.SHUFFLED : order,
                column,
                fields.choice("deduplicate", List.of(Likeness.values()), Likeness::wire),
                chat());
    }

    private ChatOptions chat() {
        Map<String, @Nullable Object> variables = new LinkedHashMap<>();
        if (fields.raw(ChatOptions.KWARGS) instanceof Map<?, ?> given) {
            List<String> wrong = ChatOptions.problems(given);
            wrong.forEach(
                    text -> fields.problem(ProblemCode.INVALID_VALUE, ChatOptions.KWARGS, text));
            if (wrong.isEmpty()) {
                given.forEach((name, value) -> variables.put(name.toString(), value));
            }
        } else if (fields.has(ChatOptions.KWARGS)) {
            fields.problem(
                    ProblemCode.INVALID_VALUE,
                    ChatOptions.KWARGS,
                    "expected an object of variables of the chat template by name");
        }
        Boolean thinks = fields.bool(ChatOptions.THINKING);
        if (thinks != null && variables.containsKey(ChatOptions.THINKING)) {
            fields.problem(
                    ProblemCode.INVALID_VALUE,
                    ChatOptions.THINKING,
                    "stands in %s too; keep one of them".formatted(ChatOptions.KWARGS));
        } else if (thinks != null) {
            variables.put(ChatOptions.THINKING, thinks);
        }
        return ChatOptions.of(
                variables, Boolean.TRUE.equals(fields.bool(ChatOptions.PARSES_SPECIAL)));
    }

    private void readCatalog() {
        if (!fields.has("dataset_info")) {
            return;
        }
        Map<String, Object> tree = Map.of();
        if (fields.raw("dataset_info") instanceof String) {
            FileId file = files.file(fields, "dataset_info", false);
            Optional<Map<String, Object>> document =
                    file == null ? Optional.empty() : files.document(file);
            if (file != null && document.isEmpty()) {
                fields.problem(
                        ProblemCode.INVALID_VALUE, "dataset_info", "the file is no JSON object");
            }
            tree = document.orElse(tree);
        } else if (fields.raw("dataset_info") instanceof Map<?, ?> map) {
            tree = new LinkedHashMap<>();
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                tree.put(String.valueOf(entry.getKey()), entry.getValue());
            }
        } else {
            fields.problem(
                    ProblemCode.INVALID_VALUE,
                    "dataset_info",
                    "expected an object as in dataset_info.json, or the id of such a file");
        }
        DatasetCatalog read = DatasetCatalog.of(tree);
        catalog.putAll(read.entries());
        read.problems()
                .forEach(problem ->
                        fields.problem(ProblemCode.INVALID_VALUE, "dataset_info", problem));
    }

    private Optional<DataFile> file(Fields entry, @Nullable Integer maxSamples) {
        Double weight = entry.number("weight", WEIGHT);
        Integer most = entry.integer("max_samples", 1, ROWS_MAX);
        Integer drawn = entry.integer("num_samples", 1, ROWS_MAX);
        String dataset = entry.text("dataset", NAME_MAX);
        String name = entry.text("name", NAME_MAX);
        String subset = entry.text("subset", NAME_MAX);
        Reading given = reading(entry);
        DatasetEntry known = dataset == null ? null : catalog.get(dataset);
        Reading reading = known != null && given.asFound() ? Reading.of(known) : given;
        FileId file = entry.has("file") ? files.file(entry, "file", reading.overrules()) : null;
        Integer limit = most == null ? maxSamples : most;
        if (dataset == null) {
            if (!entry.has("file")) {
                entry.problem(
                        ProblemCode.MISSING_REQUIRED_PARAMETER,
                        "file",
                        "is required, or dataset with a name of dataset_info");
            } else if (subset != null) {
                entry.problem(
                        ProblemCode.INVALID_VALUE,
                        "subset",
                        "an uploaded file is one set of rows and has no subsets: leave it out, and name"
                                + " the file that holds the rows of %s".formatted(subset));
            }
            return Optional.ofNullable(file)
                    .map(id -> new DataFile(id, weight, drawn, limit, name, reading));
        }
        if (known == null) {
            Problem problem =
                    Problem.of(
                            ProblemCode.INVALID_VALUE,
                            entry.path("dataset"),
                            "dataset_info has no dataset \"%s\"".formatted(dataset));
            problems.add(
                    NearestName.of(dataset, catalog.keySet())
                            .map(problem::suggesting)
                            .orElse(problem));
            return Optional.empty();
        }
        Optional<FileId> rows = file == null ? located(entry, known, subset) : Optional.of(file);
        return rows.map(id ->
                new DataFile(
                        id,
                        weight,
                        drawn == null ? known.numSamples().orElse(null) : drawn,
                        limit,
                        dataset,
                        reading));
    }

    /// The upload that an entry means: by id, by its whole name or by the last part of that; of an
    /// entry with a subset or another split than `train`, only one whose name says so.
    ///
    /// @param asked the subset that the job names; null takes that of the entry
    private Optional<FileId> located(Fields entry, DatasetEntry known, @Nullable String asked) {
        String place = known.source().name();
        List<String> parts = new ArrayList<>();
        Optional.ofNullable(asked).or(known.part()::subset).ifPresent(parts::add);
        if (!known.part().split().equals(DatasetEntry.Part.WHOLE.split())) {
            parts.add(known.part().split());
        }
        Optional<FileId> byId = FileId.find(place);
        if (byId.isPresent() || parts.isEmpty()) {
            Optional<FileId> found =
                    byId.or(() -> files.named(place))
                            .or(() -> files.named(place.substring(place.lastIndexOf('/') + 1)));
            if (found.isEmpty()) {
                entry.problem(
                        ProblemCode.FILE_NOT_FOUND,
                        "dataset",
                        "no file was uploaded as \"%s\": upload it under that name, or name one with file"
                                .formatted(place));
            }
            return found;
        }
        List<String> names = PartNames.of(place, parts);
        Optional<FileId> found =
                names.stream().map(files::named).flatMap(Optional::stream).findFirst();
        if (found.isEmpty()) {
            entry.problem(
                    ProblemCode.FILE_NOT_FOUND,
                    "dataset",
                    "it is %s of \"%s\", and an uploaded file is one set of rows: upload those rows as"
                                    .formatted(String.join(", ", parts), place)
                            + " \"%s\", or name them with file".formatted(names.getFirst()));
        }
        return found;
    }

    /// Reads the keys that say how rows are read: `kind`, `format`, `ranking`, `columns`, `tags`,
    /// `chunk`.
    public static Reading reading(Fields entry) {
        Shape format = entry.choice("format", List.of(Shape.values()), Shape::wire);
        Map<String, String> columns = names(entry, "columns", DatasetEntry.COLUMN_ROLES);
        Map<String, String> tags = names(entry, "tags", DatasetEntry.TAGS.keySet());
        boolean named = columns != null || tags != null;
        if (named && format != null && format.layout().isEmpty()) {
            entry.problem(
                    ProblemCode.INVALID_VALUE,
                    "format",
                    "%s has no columns or tags to name; formats that have: openai, alpaca, sharegpt"
                            .formatted(format.wire()));
        }
        return new Reading(
                entry.choice("kind", List.of(FileKind.values()), FileKind::wire),
                format,
                Boolean.TRUE.equals(entry.bool("ranking")),
                columns,
                tags,
                entry.choice("chunk", List.of(Chunk.values()), Chunk::wire));
    }

    private static @Nullable Map<String, String> names(
            Fields entry, String key, Collection<String> roles) {
        if (!entry.has(key)) {
            return null;
        }
        Map<String, String> names = entry.textMap(key, NAMES_MAX, NAME_MAX, NAME_MAX);
        for (String role : names.keySet()) {
            if (!roles.contains(role)) {
                entry.problem(
                        ProblemCode.UNKNOWN_PARAMETER,
                        key + "." + role,
                        "is not a known role; there are "
                                + String.join(", ", roles.stream().sorted().toList()));
            }
        }
        return names;
    }

    private List<DataFile> withShares(List<DataFile> data) {
        List<Double> shares = fields.numbers("interleave_probs", FILES_MAX, WEIGHT);
        if (shares == null) {
            return data;
        }
        boolean both = data.stream().anyMatch(file -> file.weight() != null);
        if (both || shares.size() != data.size()) {
            fields.problem(
                    ProblemCode.INVALID_VALUE,
                    "interleave_probs",
                    both
                            ? "says the same as weight; keep one of them"
                            : "has %d shares for %d files in data"
                                    .formatted(shares.size(), data.size()));
            return data;
        }
        return Stream.iterate(0, i -> i < data.size(), i -> i + 1)
                .map(i -> {
                    DataFile file = data.get(i);
                    return new DataFile(
                            file.file(),
                            shares.get(i),
                            file.numSamples(),
                            file.maxSamples(),
                            file.name(),
                            file.reading());
                })
                .toList();
    }
}
