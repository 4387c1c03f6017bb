package dev.tunesmith.contracts.mixture;

import java.util.ArrayList;
import java.util.List;

/// What a file is called that holds one part of a dataset: a subset, a split, or a split of a
/// subset. Names of uploads have no folders, so the part stands before or behind the name.
final class PartNames {

    private static final List<String> ENDINGS =
            List.of(".jsonl", ".json", ".parquet", ".arrow", ".csv", ".tsv");
    private static final List<String> SEPARATORS = List.of("-", "_", ".");

    private PartNames() {}

    /// All of them, the usual one first.
    ///
    /// @param place where a catalog says that the whole lies: a file, a folder or a dataset of a
    ///   hub
    /// @param parts subset, then split
    static List<String> of(String place, List<String> parts) {
        String last = place.substring(place.lastIndexOf('/') + 1);
        int point = last.indexOf('.');
        String stem = point <= 0 ? last : last.substring(0, point);
        List<String> endings = point <= 0 ? ENDINGS : List.of(last.substring(point));
        List<String> names = new ArrayList<>();
        for (String separator : SEPARATORS) {
            String part = String.join(separator, parts);
            for (String ending : endings) {
                names.add(stem + separator + part + ending);
                names.add(part + separator + stem + ending);
            }
        }
        return List.copyOf(names);
    }
}
