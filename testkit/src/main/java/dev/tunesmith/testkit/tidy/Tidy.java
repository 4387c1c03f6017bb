package dev.tunesmith.testkit.tidy;

import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.SourcePositions;
import com.sun.source.util.Trees;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/// Checks a module's sources against the house rules: budgets, names, `var`, injection, broad
/// catches, old Javadoc and unnumbered reminders. A module's test calls [#check] once.
public final class Tidy {
    private static final Path EXCEPTIONS = Path.of("tidy-exceptions.txt");
    private static final Pattern OLD_JAVADOC = Pattern.compile("^\\s*/\\*\\*");
    private static final Pattern REMINDER =
            Pattern.compile("\\b(TO" + "DO|FIX" + "ME|X" + "XX)\\b(?!\\(#\\d+\\))");
    private static final int NATIVE_FILE_LINES = 700;

    private Tidy() {}

    /// Fails with every broken rule of the module at once, and with every exception that is no
    /// longer needed.
    ///
    /// @param module the module's root folder, `Path.of("")` in a Maven test
    public static void check(Path module) {
        List<Finding> findings = findings(module);
        Set<String> allowed = exceptions(module);
        Set<String> used = new HashSet<>();
        List<String> broken = new ArrayList<>();
        for (Finding finding : findings) {
            if (allowed.contains(finding.exception())) {
                used.add(finding.exception());
            } else {
                broken.add(finding.toString());
            }
        }
        allowed.stream()
                .filter(line -> !used.contains(line))
                .map(line ->
                        EXCEPTIONS + ": nothing breaks \"" + line + "\" any more, delete the line")
                .forEach(broken::add);
        if (!broken.isEmpty()) {
            throw new AssertionError(
                    broken.size() + " house rules broken:\n" + String.join("\n", broken));
        }
    }

    /// All findings of a module, exceptions included.
    static List<Finding> findings(Path module) {
        var findings = new ArrayList<Finding>();
        for (String tree : List.of("src/main/java", "src/test/java")) {
            Path root = module.resolve(tree);
            if (Files.isDirectory(root)) {
                findings.addAll(javaFindings(module, root, tree.contains("test")));
            }
        }
        findings.addAll(nativeFindings(module));
        return findings;
    }

    private static List<Finding> javaFindings(Path module, Path root, boolean test) {
        List<Path> files = files(root, ".java");
        var findings = new ArrayList<Finding>();
        if (files.isEmpty()) {
            return findings;
        }
        for (Path file : files) {
            findings.addAll(textFindings(module, file, Budget.HOUSE.fileLines()));
        }
        findings.addAll(treeFindings(module, files, test));
        if (!test) {
            findings.addAll(packageFindings(module, files));
        }
        return findings;
    }

    private static List<Finding> treeFindings(Path module, List<Path> files, boolean test) {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        var findings = new ArrayList<Finding>();
        try (StandardJavaFileManager manager = compiler.getStandardFileManager(null, null, null)) {
            Iterable<? extends JavaFileObject> sources = manager.getJavaFileObjectsFromPaths(files);
            JavacTask task =
                    (JavacTask)
                            compiler.getTask(
                                    null,
                                    manager,
                                    diagnostic -> {},
                                    List.of("-proc:none"),
                                    null,
                                    sources);
            SourcePositions positions = Trees.instance(task).getSourcePositions();
            for (CompilationUnitTree unit : task.parse()) {
                Path file =
                        module.toAbsolutePath().relativize(Path.of(unit.getSourceFile().toUri()));
                findings.addAll(new SourceRules(unit, positions, file, test).findings());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return findings;
    }

    private static List<Finding> textFindings(Path module, Path file, int linesMax) {
        List<String> lines = lines(file);
        Path shown = module.toAbsolutePath().relativize(file.toAbsolutePath());
        var findings = new ArrayList<Finding>();
        if (lines.size() > linesMax) {
            findings.add(
                    new Finding(
                            shown,
                            0,
                            "file-length",
                            "its %d lines hold several nouns".formatted(lines.size())));
        }
        for (int i = 0; i < lines.size(); i++) {
            if (OLD_JAVADOC.matcher(lines.get(i)).find()) {
                findings.add(new Finding(shown, i + 1, "javadoc", "write /// Markdown"));
            }
            if (REMINDER.matcher(lines.get(i)).find()) {
                findings.add(new Finding(shown, i + 1, "reminder", "do it, or name the issue"));
            }
        }
        return findings;
    }

    private static List<Finding> packageFindings(Path module, List<Path> files) {
        Map<Path, Long> types =
                files.stream()
                        .filter(f -> !f.endsWith("package-info.java"))
                        .collect(
                                Collectors.groupingBy(
                                        Path::getParent, TreeMap::new, Collectors.counting()));
        var findings = new ArrayList<Finding>();
        types.forEach((folder, count) -> {
            Path shown = module.toAbsolutePath().relativize(folder.toAbsolutePath());
            if (count > Budget.TYPES_IN_A_PACKAGE) {
                findings.add(
                        new Finding(
                                shown,
                                0,
                                "package-size",
                                "%d types are several features".formatted(count)));
            }
            if (!Files.exists(folder.resolve("package-info.java"))) {
                findings.add(
                        new Finding(
                                shown,
                                0,
                                "package-info",
                                "say what it is and where to start, @NullMarked"));
            }
        });
        return findings;
    }

    private static List<Finding> nativeFindings(Path module) {
        var findings = new ArrayList<Finding>();
        for (String folder : List.of("src/main/c", "src/main/cuda")) {
            Path root = module.resolve(folder);
            if (Files.isDirectory(root)) {
                for (String ending : List.of(".c", ".cpp", ".h", ".hpp", ".inc", ".cu", ".cuh")) {
                    files(root, ending)
                            .forEach(f ->
                                    findings.addAll(textFindings(module, f, NATIVE_FILE_LINES)));
                }
            }
        }
        return findings.stream().filter(f -> !f.rule().equals("javadoc")).toList();
    }

    private static Set<String> exceptions(Path module) {
        Path file = module.resolve(EXCEPTIONS);
        if (!Files.exists(file)) {
            return Set.of();
        }
        return lines(file).stream()
                .map(line -> line.replaceFirst("#.*", "").strip())
                .filter(line -> !line.isEmpty())
                .collect(Collectors.toSet());
    }

    private static List<Path> files(Path root, String ending) {
        try (Stream<Path> walk = Files.walk(root)) {
            return walk.filter(f -> f.toString().endsWith(ending)).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<String> lines(Path file) {
        try {
            return Files.readAllLines(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
