package dev.tunesmith.engine.rows;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// A node of a Parquet schema.
///
/// @param type physical type of a leaf, -1 of a group
/// @param length bytes of a fixed-length value
/// @param converted the older annotation: 0 text, 1 map, 3 list, 5 decimal; -1 if there is none
/// @param levels where the node stands
record ParquetNode(
        String name,
        int type,
        int length,
        int converted,
        int scale,
        Levels levels,
        List<ParquetNode> children) {

    private static final int DEPTH_MAX = 32;

    /// How often something above and including the node may repeat or be absent.
    record Levels(int repetition, int definition, boolean repeated, boolean optional) {}

    ParquetNode {
        children = List.copyOf(children);
    }

    boolean isLeaf() {
        return children.isEmpty();
    }

    /// All leaves below, from left to right.
    List<ParquetNode> leaves() {
        if (isLeaf()) {
            return List.of(this);
        }
        List<ParquetNode> leaves = new ArrayList<>();
        children.forEach(child -> leaves.addAll(child.leaves()));
        return leaves;
    }

    /// The tree of a flat list of schema elements.
    static ParquetNode root(Path file, List<?> elements) {
        Builder builder = new Builder(file, elements);
        ParquetNode root = builder.node(new Levels(0, 0, false, false), 0);
        if (builder.at != elements.size() || root.isLeaf()) {
            throw new RowFileException(file, "its schema is no tree with columns");
        }
        return root;
    }

    private static final class Builder {
        private final Path file;
        private final List<?> elements;
        private int at;

        Builder(Path file, List<?> elements) {
            this.file = file;
            this.elements = elements;
        }

        ParquetNode node(Levels above, int depth) {
            if (at >= elements.size()
                    || depth > DEPTH_MAX
                    || !(elements.get(at) instanceof Map<?, ?> element)) {
                throw new RowFileException(file, "its schema is no tree");
            }
            at++;
            int repetition = (int) ThriftReader.number(element, 3, 0);
            boolean repeated = depth > 0 && repetition == 2;
            boolean optional = depth > 0 && repetition == 1;
            Levels levels =
                    new Levels(
                            above.repetition() + (repeated ? 1 : 0),
                            above.definition() + (repeated || optional ? 1 : 0),
                            repeated,
                            optional);
            long count = ThriftReader.number(element, 5, 0);
            List<ParquetNode> children = new ArrayList<>();
            for (long i = 0; i < count; i++) {
                children.add(node(levels, depth + 1));
            }
            return new ParquetNode(
                    ThriftReader.text(element.get(4)),
                    (int) ThriftReader.number(element, 1, -1),
                    (int) ThriftReader.number(element, 2, 0),
                    annotation(element),
                    (int) ThriftReader.number(element, 7, 0),
                    levels,
                    children);
        }

        /// The older annotation, or what the newer one means in its terms.
        private static int annotation(Map<?, ?> element) {
            Map<?, ?> logical = ThriftReader.inner(element, 10);
            if (logical.containsKey(1)) {
                return 0;
            }
            if (logical.containsKey(2)) {
                return 1;
            }
            if (logical.containsKey(3)) {
                return 3;
            }
            return (int) ThriftReader.number(element, 6, -1);
        }
    }
}
