package dev.tunesmith.contracts.dataset;

import dev.tunesmith.contracts.dataset.DatasetEntry.Part;
import dev.tunesmith.contracts.dataset.DatasetEntry.Place;
import dev.tunesmith.contracts.dataset.DatasetEntry.Source;
import dev.tunesmith.contracts.problem.NearestName;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// A `dataset_info.json`: datasets by name, and what is wrong in it.
///
/// Once an entry has `columns`, a role that is not listed there is not read; likewise `tags`. That
/// is how the format is meant, so it is kept, and [#problems] does not complain of it.
public record DatasetCatalog(Map<String, DatasetEntry> entries, List<String> problems) {

    private static final List<String> SOURCES =
            List.of(
                    "hf_hub_url",
                    "ms_hub_url",
                    "om_hub_url",
                    "script_url",
                    "cloud_file_name",
                    "file_name");

    private static final Set<String> SHAPE =
            Set.of(
                    "formatting",
                    "ranking",
                    "subset",
                    "split",
                    "folder",
                    "num_samples",
                    "columns",
                    "tags");

    public DatasetCatalog {
        entries = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(entries));
        problems = List.copyOf(problems);
    }

    /// Reads the tree of a file.
    public static DatasetCatalog of(Map<?, ?> tree) {
        Map<String, DatasetEntry> entries = new LinkedHashMap<>();
        List<String> problems = new ArrayList<>();
        tree.forEach((name, value) -> {
            if (value instanceof Map<?, ?> entry) {
                new Reader(name.toString(), entry, problems)
                        .entry()
                        .ifPresent(found -> entries.put(name.toString(), found));
            } else {
                problems.add("%s: expected an object".formatted(name));
            }
        });
        return new DatasetCatalog(entries, problems);
    }

    /// The entry of a name, or what to say instead.
    public String unknown(String name) {
        return "dataset_info.json has no dataset '%s'%s"
                .formatted(
                        name,
                        NearestName.of(name, entries.keySet())
                                .map(near -> "; is '" + near + "' meant?")
                                .orElse(""));
    }

    /// Reads one entry.
    private record Reader(String name, Map<?, ?> tree, List<String> problems) {

        Optional<DatasetEntry> entry() {
            int before = problems.size();
            for (Object key : tree.keySet()) {
                if (!SOURCES.contains(key.toString()) && !SHAPE.contains(key.toString())) {
                    problem("unknown key '%s'".formatted(key));
                }
            }
            DatasetEntry entry =
                    new DatasetEntry(
                            source(),
                            layout(),
                            Boolean.TRUE.equals(tree.get("ranking")),
                            names("columns", DatasetEntry.COLUMNS, DatasetEntry.COLUMN_ROLES),
                            names("tags", DatasetEntry.TAGS, DatasetEntry.TAGS.keySet()),
                            new Part(text("subset"), text("split").orElse("train"), text("folder")),
                            samples());
            return problems.size() == before ? Optional.of(entry) : Optional.empty();
        }

        private void problem(String what) {
            problems.add(name + ": " + what);
        }

        private Optional<String> text(String key) {
            return Optional.ofNullable(tree.get(key)).map(Object::toString);
        }

        private Source source() {
            for (String key : SOURCES) {
                Optional<String> named = text(key);
                if (named.isPresent()) {
                    Place place =
                            switch (key) {
                                case "script_url" -> Place.SCRIPT;
                                case "cloud_file_name" -> Place.CLOUD;
                                case "file_name" -> Place.FILE;
                                default -> Place.HUB;
                            };
                    if (place == Place.SCRIPT) {
                        problem("script_url would run code of others; give the files it makes");
                    }
                    return new Source(place, named.get());
                }
            }
            problem("says nowhere where its rows are: give file_name");
            return new Source(Place.FILE, "");
        }

        private Layout layout() {
            String formatting = text("formatting").orElse("alpaca");
            try {
                return Layout.valueOf(formatting.toUpperCase(Locale.ROOT));
            } catch (IllegalArgumentException _) {
                problem("formatting is alpaca, sharegpt or openai, not '%s'".formatted(formatting));
                return Layout.ALPACA;
            }
        }

        private Optional<Integer> samples() {
            Object count = tree.get("num_samples");
            if (count == null) {
                return Optional.empty();
            }
            if (count instanceof Number number && number.intValue() > 0) {
                return Optional.of(number.intValue());
            }
            problem("num_samples is a number of rows above 0");
            return Optional.empty();
        }

        private Map<String, String> names(
                String group, Map<String, String> usual, java.util.Collection<String> roles) {
            Object given = tree.get(group);
            if (given == null) {
                return usual;
            }
            Map<String, String> names = new LinkedHashMap<>();
            if (given instanceof Map<?, ?> map) {
                map.forEach((role, key) -> add(names, group, role.toString(), key, roles));
            } else {
                problem(group + " is an object");
            }
            return names;
        }

        private void add(
                Map<String, String> names,
                String group,
                String role,
                @Nullable Object key,
                java.util.Collection<String> roles) {
            if (!roles.contains(role)) {
                problem("%s has no '%s'; there are %s".formatted(group, role, roles));
            } else if (key != null) {
                names.put(role, key.toString());
            }
        }
    }
}
