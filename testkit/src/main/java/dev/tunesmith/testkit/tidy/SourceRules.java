package dev.tunesmith.testkit.tidy;

import com.sun.source.tree.AnnotationTree;
import com.sun.source.tree.BlockTree;
import com.sun.source.tree.CatchTree;
import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.EnhancedForLoopTree;
import com.sun.source.tree.ExpressionTree;
import com.sun.source.tree.IfTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.NewArrayTree;
import com.sun.source.tree.NewClassTree;
import com.sun.source.tree.StatementTree;
import com.sun.source.tree.Tree;
import com.sun.source.tree.TryTree;
import com.sun.source.tree.VariableTree;
import com.sun.source.util.SourcePositions;
import com.sun.source.util.TreePath;
import com.sun.source.util.TreePathScanner;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import javax.lang.model.element.Modifier;
import org.jspecify.annotations.Nullable;

/// Walks one compilation unit and collects what breaks the rules of one file.
final class SourceRules extends TreePathScanner<@Nullable Void, @Nullable Void> {
    private static final Set<String> FIELD_INJECTION =
            Set.of("Inject", "ConfigProperty", "Autowired");
    private static final Set<String> BROAD = Set.of("Exception", "Throwable");

    private final CompilationUnitTree unit;
    private final SourcePositions positions;
    private final Path file;
    private final boolean test;
    private final List<Finding> findings = new ArrayList<>();

    SourceRules(CompilationUnitTree unit, SourcePositions positions, Path file, boolean test) {
        super();
        this.unit = unit;
        this.positions = positions;
        this.file = file;
        this.test = test;
    }

    List<Finding> findings() {
        scan(unit, null);
        return findings;
    }

    @Override
    public @Nullable Void visitClass(ClassTree type, @Nullable Void unused) {
        String name = type.getSimpleName().toString();
        for (String ending : Budget.BANNED_ENDINGS) {
            if (name.endsWith(ending)) {
                report(type, "banned-name", "instead of …" + ending + " name what it is: " + name);
            }
        }
        for (String beginning : Budget.BANNED_BEGINNINGS) {
            if (name.startsWith(beginning) && !test) {
                report(
                        type,
                        "banned-name",
                        "instead of " + beginning + "… name what it is: " + name);
            }
        }
        if (type.getKind() == Tree.Kind.RECORD) {
            checkComponents(type);
        }
        return super.visitClass(type, null);
    }

    private void checkComponents(ClassTree record) {
        long components =
                record.getMembers().stream()
                        .filter(VariableTree.class::isInstance)
                        .map(VariableTree.class::cast)
                        .filter(v -> !v.getModifiers().getFlags().contains(Modifier.STATIC))
                        .count();
        if (components > Budget.RECORD_COMPONENTS) {
            report(record, "record-size", "group its %d components".formatted(components));
        }
    }

    @Override
    public @Nullable Void visitMethod(MethodTree method, @Nullable Void unused) {
        BlockTree body = method.getBody();
        if (body != null) {
            long lines = line(endOf(body)) - line(startOf(body)) + 1;
            if (lines > Budget.HOUSE.methodLines()) {
                report(
                        method,
                        "method-length",
                        "split its %d lines into named steps".formatted(lines));
            }
            checkNesting(method, body);
        }
        boolean wide = method.getParameters().size() > Budget.HOUSE.parameters();
        if (wide && !isRecordConstructor(method)) {
            report(
                    method,
                    "parameters",
                    "find the noun that its %d parameters lack"
                            .formatted(method.getParameters().size()));
        }
        checkAnnotations(method, method.getModifiers().getAnnotations());
        return super.visitMethod(method, null);
    }

    private boolean isRecordConstructor(MethodTree method) {
        TreePath parent = getCurrentPath().getParentPath();
        return method.getReturnType() == null && parent.getLeaf().getKind() == Tree.Kind.RECORD;
    }

    @Override
    public @Nullable Void visitVariable(VariableTree variable, @Nullable Void unused) {
        boolean field = getCurrentPath().getParentPath().getLeaf() instanceof ClassTree;
        if (field && !test) {
            checkField(variable);
        }
        if (isVar(variable) && !varAllowed(variable)) {
            report(
                    variable,
                    "var",
                    "write the type: var is for new T(…), try resources, for-each and record patterns");
        }
        return super.visitVariable(variable, null);
    }

    private void checkField(VariableTree field) {
        checkAnnotations(field, field.getModifiers().getAnnotations());
        for (AnnotationTree annotation : field.getModifiers().getAnnotations()) {
            if (FIELD_INJECTION.contains(simpleName(annotation.getAnnotationType().toString()))) {
                report(field, "field-injection", "take it in the constructor");
            }
        }
        Set<Modifier> flags = field.getModifiers().getFlags();
        if (flags.contains(Modifier.STATIC) && !flags.contains(Modifier.FINAL) && !inInterface()) {
            report(field, "static-mutable", "give the state an owner that is passed in");
        }
    }

    private boolean inInterface() {
        return getCurrentPath().getParentPath().getLeaf().getKind() == Tree.Kind.INTERFACE;
    }

    private boolean isVar(VariableTree variable) {
        TreePath parent = getCurrentPath().getParentPath();
        boolean local =
                !(parent.getLeaf() instanceof ClassTree)
                        && !(parent.getLeaf() instanceof MethodTree);
        if (!local) {
            return false;
        }
        long start = positions.getStartPosition(unit, variable);
        if (start < 0) {
            return false;
        }
        return source().startsWith("var ", Math.toIntExact(start))
                || source().startsWith("final var ", Math.toIntExact(start));
    }

    private boolean varAllowed(VariableTree variable) {
        Tree parent = getCurrentPath().getParentPath().getLeaf();
        if (parent instanceof TryTree || parent instanceof EnhancedForLoopTree) {
            return true;
        }
        ExpressionTree value = variable.getInitializer();
        return value == null || value instanceof NewClassTree || value instanceof NewArrayTree;
    }

    @Override
    public @Nullable Void visitCatch(CatchTree clause, @Nullable Void unused) {
        String type = simpleName(clause.getParameter().getType().toString());
        if (!test && BROAD.contains(type)) {
            report(
                    clause,
                    "broad-catch",
                    "catch what can happen; only the top of a thread, a native call and the HTTP edge may catch "
                            + type);
        }
        return super.visitCatch(clause, null);
    }

    private void checkAnnotations(Tree where, List<? extends AnnotationTree> annotations) {
        if (!test && annotations.size() > Budget.HOUSE.annotations()) {
            report(where, "annotations", "more than three annotations ask for a method");
        }
    }

    private void checkNesting(MethodTree method, BlockTree body) {
        int deepest = new Nesting().depth(body);
        if (deepest > Budget.HOUSE.nesting()) {
            report(
                    method,
                    "nesting",
                    "its %d levels want an early return or a method".formatted(deepest));
        }
    }

    private void report(Tree tree, String rule, String advice) {
        findings.add(new Finding(file, line(startOf(tree)), rule, advice));
    }

    private long startOf(Tree tree) {
        return positions.getStartPosition(unit, tree);
    }

    private long endOf(Tree tree) {
        return positions.getEndPosition(unit, tree);
    }

    private long line(long position) {
        return position < 0 ? 0 : unit.getLineMap().getLineNumber(position);
    }

    private CharSequenceSource source() {
        return new CharSequenceSource(unit);
    }

    private static String simpleName(String name) {
        return name.substring(name.lastIndexOf('.') + 1);
    }

    /// Depth of control statements in a body. `else if` is one level, lambdas and local classes
    /// start anew.
    private static final class Nesting {
        private int depth(StatementTree statement) {
            var scanner = new NestingScanner();
            scanner.scan(statement, 0);
            return scanner.deepest;
        }
    }

    private static final class NestingScanner
            extends com.sun.source.util.TreeScanner<@Nullable Void, Integer> {
        private int deepest;

        @Override
        public @Nullable Void scan(@Nullable Tree tree, Integer level) {
            if (tree == null) {
                return null;
            }
            int inner = level;
            switch (tree.getKind()) {
                case FOR_LOOP,
                        ENHANCED_FOR_LOOP,
                        WHILE_LOOP,
                        DO_WHILE_LOOP,
                        TRY,
                        SWITCH,
                        SYNCHRONIZED ->
                        inner++;
                case LAMBDA_EXPRESSION, CLASS -> inner = 0;
                default -> {}
            }
            deepest = Math.max(deepest, inner);
            return super.scan(tree, inner);
        }

        @Override
        public @Nullable Void visitIf(IfTree branch, Integer level) {
            int inner = level + 1;
            deepest = Math.max(deepest, inner);
            scan(branch.getCondition(), level);
            scan(branch.getThenStatement(), inner);
            scan(
                    branch.getElseStatement(),
                    branch.getElseStatement() instanceof IfTree ? level : inner);
            return null;
        }
    }

    /// Reads the characters of a compilation unit without copying them for each question.
    private record CharSequenceSource(CompilationUnitTree unit) {
        boolean startsWith(String text, int at) {
            try {
                CharSequence all = unit.getSourceFile().getCharContent(true);
                int end = at + text.length();
                return end <= all.length() && all.subSequence(at, end).toString().equals(text);
            } catch (java.io.IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }
    }
}
