package dev.tunesmith.bench.golden;

import dev.tunesmith.engine.io.JsonTree;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A folder with a `case.json`.
///
/// @param group what kind of case it is, such as `families` or `adapters/base`
/// @param tree the content of `case.json`
public record GoldenCase(Path folder, String group, Map<String, Object> tree) {

    /// The file that makes a folder a case.
    public static final String FILE = "case.json";

    private static final List<String> GROUPS_WITHOUT_AREA = List.of("families", "adapters");

    private static final List<String> GROUPS_WITH_AREA =
            List.of("methods", "optim", "quant", "text");

    /// Some cases say what kind they are; it counts where no folder tells.
    private static final Map<String, String> GROUP_OF_KIND =
            Map.of(
                    "chat_template", "text/chat_templates",
                    "jinja_expressions", "text/jinja_expressions");

    /// Reads a case. Its group is what it says, or follows from the folders above it.
    public static GoldenCase read(Path folder) {
        Map<String, Object> tree = JsonTree.read(folder.resolve(FILE));
        return new GoldenCase(folder, group(folder, tree), tree);
    }

    private static String group(Path folder, Map<String, Object> tree) {
        String said = tree.get("group") instanceof String text ? text : "";
        if (!said.isEmpty() && !GROUPS_WITH_AREA.contains(said)) {
            String area = areaAbove(folder, said);
            return area.isEmpty() ? said : area;
        }
        String above = fromFolders(folder);
        String kind = tree.get("kind") instanceof String text ? text : "";
        return above.equals("unknown") ? GROUP_OF_KIND.getOrDefault(kind, above) : above;
    }

    /// Where the folders above name a top group, `GROUP/AREA` is more exact than the area alone.
    private static String areaAbove(Path folder, String area) {
        Path parent = folder.toAbsolutePath().normalize().getParent();
        for (Path at = parent; at != null && at.getFileName() != null; at = at.getParent()) {
            String name = at.getFileName().toString();
            if (GROUPS_WITHOUT_AREA.contains(name)) {
                return "";
            }
            if (GROUPS_WITH_AREA.contains(name)) {
                return area.contains("/") ? area : at.getFileName() + "/" + area;
            }
        }
        return "";
    }

    private static String fromFolders(Path folder) {
        Path below = folder;
        Path parent = folder.toAbsolutePath().normalize().getParent();
        for (Path at = parent; at != null && at.getFileName() != null; at = at.getParent()) {
            String name = at.getFileName().toString();
            if (GROUPS_WITHOUT_AREA.contains(name)) {
                return name;
            }
            if (GROUPS_WITH_AREA.contains(name)) {
                return name + "/" + below.getFileName();
            }
            below = at;
        }
        return "unknown";
    }

    /// Name for the report: what the case says, or its folder.
    public String name() {
        return tree.get("name") instanceof String text && !text.isEmpty()
                ? text
                : String.valueOf(folder.getFileName());
    }

    /// A file of the case, if it is there.
    public Optional<Path> file(String name) {
        return Optional.of(folder.resolve(name)).filter(Files::exists);
    }

    /// A tensor file of the case, if it is there.
    public Optional<GoldenTensors> tensors(String name) {
        return file(name).map(GoldenTensors::open);
    }

    /// A folder named relative to this case or to one of the folders above it.
    public Path above(String relative) {
        for (Path at = folder.toAbsolutePath(); at != null; at = at.getParent()) {
            if (Files.exists(at.resolve(relative))) {
                return at.resolve(relative);
            }
        }
        throw new UnsupportedCaseException(
                "%s is neither beside the case nor above it".formatted(relative));
    }

    /// A number somewhere in the tree, as `tolerance.logits.abs`.
    public double number(String path, double absent) {
        return find(path) instanceof Number number ? number.doubleValue() : absent;
    }

    /// A text somewhere in the tree.
    public String text(String path, String absent) {
        return find(path) instanceof String text && !text.isEmpty() ? text : absent;
    }

    /// A list somewhere in the tree, empty if it is absent.
    public List<?> list(String path) {
        return find(path) instanceof List<?> list ? list : List.of();
    }

    /// Anything somewhere in the tree; an empty text if it is absent.
    public Object find(String path) {
        Object at = tree;
        for (String key : path.split("\\.")) {
            if (!(at instanceof Map<?, ?> map) || map.get(key) == null) {
                return "";
            }
            at = map.get(key);
        }
        return at;
    }

    /// The tolerance of that name.
    public Tolerance tolerance(String name) {
        String path = "tolerance." + name;
        double absolute = number(path + ".abs", number(path + ".atol", 0));
        double relative = number(path + ".rel", number(path + ".rtol", 0));
        double ofLargest =
                number(path + ".of_largest", number(path + ".max_abs_diff_over_max_abs", 0));
        return new Tolerance(absolute, relative, ofLargest);
    }
}
