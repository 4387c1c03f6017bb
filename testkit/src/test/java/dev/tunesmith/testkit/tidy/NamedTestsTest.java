package dev.tunesmith.testkit.tidy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// The table of behaviours that are tested names tests, and these exist.
class NamedTestsTest {

    private static final Path TABLE = Path.of("../docs/reference/training.md");
    private static final String HEADING = "## Behaviours that are tested";
    private static final Pattern ROW = Pattern.compile("^\\| (D[0-9]+) \\|");
    private static final Pattern NAME = Pattern.compile("`([A-Za-z]*Test)?(?:#([A-Za-z0-9]+))?`");
    private static final int BEHAVIOURS = 21;

    private static List<String> lines() throws IOException {
        List<String> all = Files.readAllLines(TABLE);
        return all.subList(all.indexOf(HEADING), all.size());
    }

    private static Map<String, Path> tests() throws IOException {
        try (Stream<Path> files = Files.walk(Path.of(".."), 12)) {
            return files.filter(file -> file.toString().contains("/src/test/java/"))
                    .filter(file -> file.toString().endsWith("Test.java"))
                    .collect(
                            Collectors.toMap(
                                    file -> file.getFileName().toString().replace(".java", ""),
                                    file -> file,
                                    (one, _) -> one));
        }
    }

    /// What is wrong with the names of a line.
    private static List<String> wrong(String line, Map<String, Path> tests) throws IOException {
        var wrong = new ArrayList<String>();
        String test = "";
        Matcher names = NAME.matcher(line);
        while (names.find()) {
            test = names.group(1) == null ? test : names.group(1);
            Path file = tests.get(test);
            if (file == null) {
                wrong.add("there is no test " + names.group());
            } else if (names.group(2) != null
                    && !Files.readString(file).contains("void " + names.group(2) + "(")) {
                wrong.add("%s has no %s".formatted(test, names.group(2)));
            }
        }
        return wrong;
    }

    @Test
    void everyBehaviourNamesATest() throws IOException {
        List<String> rows = lines().stream().filter(line -> ROW.matcher(line).find()).toList();
        assertThat(rows)
                .extracting(line -> line.split("\\|")[1].strip())
                .containsExactlyElementsOf(
                        IntStream.rangeClosed(1, BEHAVIOURS).mapToObj(d -> "D" + d).toList());
        assertThat(rows).allMatch(line -> NAME.matcher(line).find());
    }

    @Test
    void everyTestThatIsNamedExists() throws IOException {
        Map<String, Path> tests = tests();
        var wrong = new ArrayList<String>();
        for (String line : lines()) {
            wrong.addAll(wrong(line, tests));
        }
        assertThat(wrong).isEmpty();
    }

    @Test
    void aNameOfNoTestIsFound() throws IOException {
        String line =
                "| D1 | words | `NoSuchTest#a`, `NamedTestsTest#aNameOfNoTestIsFound`, `#b` |";
        assertThat(wrong(line, tests()))
                .containsExactly("there is no test `NoSuchTest#a`", "NamedTestsTest has no b");
    }
}
