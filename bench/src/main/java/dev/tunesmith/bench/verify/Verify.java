package dev.tunesmith.bench.verify;

import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.golden.UnsupportedCaseException;
import dev.tunesmith.engine.adapter.site.AdapterException;
import dev.tunesmith.engine.model.UnsupportedModelException;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/// Runs every golden case below some folders and prints one line for each.
public final class Verify {

    private Verify() {}

    /// Runs all cases below `folders`, or the repository's own if there are none.
    ///
    /// @return 0 if all passed, 1 if one failed or none was found
    public static int run(List<Path> folders, PrintStream out) {
        int passed = 0;
        int failed = 0;
        for (Path folder : cases(folders.isEmpty() ? ownFolders() : folders)) {
            boolean ok = runOne(folder, out);
            passed += ok ? 1 : 0;
            failed += ok ? 0 : 1;
        }
        out.printf("%d passed, %d failed, 0 skipped%n", passed, failed);
        return failed == 0 && passed > 0 ? 0 : 1;
    }

    /// The golden folders of this repository, as seen from its root.
    private static List<Path> ownFolders() {
        try (Stream<Path> modules = Files.list(Path.of(""))) {
            return Stream.concat(
                            Stream.of(Path.of("golden")),
                            modules.map(module -> module.resolve("src/test/resources/golden")))
                    .filter(Files::isDirectory)
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException("listing the repository", e);
        }
    }

    private static List<Path> cases(List<Path> folders) {
        return folders.stream().flatMap(folder -> casesBelow(folder).stream()).toList();
    }

    private static List<Path> casesBelow(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(file -> file.endsWith(GoldenCase.FILE))
                    .map(Path::getParent)
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException("looking for cases below " + folder, e);
        }
    }

    private static boolean runOne(Path folder, PrintStream out) {
        String label = folder.toString();
        try {
            GoldenCase golden = GoldenCase.read(folder);
            label = golden.group() + " " + golden.name();
            Comparison comparison = new Comparison();
            CaseGroups.of(golden.group()).run(golden, comparison);
            out.printf(
                    "%s %s: %s%n",
                    comparison.passed() ? "ok  " : "FAIL", label, comparison.summary());
            return comparison.passed();
        } catch (UnsupportedCaseException | UnsupportedModelException | AdapterException e) {
            out.printf("FAIL %s: not supported: %s%n", label, e.getMessage());
            return false;
        } catch (RuntimeException e) {
            out.printf("FAIL %s: %s%n", label, e);
            return false;
        }
    }
}
