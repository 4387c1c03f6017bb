package dev.tunesmith.testkit.layers;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// Who may see whom. Every module's test calls [#check] with its own name; a rule without a
/// matching class passes, so the table can be complete before the code is.
public final class Layers {
    private static final String ROOT = "dev.tunesmith.";

    /// What a module must not see.
    ///
    /// @param ours packages of this project, below its root
    /// @param foreign package patterns of libraries
    private record Row(String ours, String foreign) {
        String[] forbidden() {
            Stream<String> own = words(ours).map(name -> ROOT + name + "..");
            return Stream.concat(own, words(foreign)).toArray(String[]::new);
        }

        private static Stream<String> words(String text) {
            return Stream.of(text.split(" ")).filter(word -> !word.isEmpty());
        }
    }

    private static final Map<String, Row> TABLE =
            Map.ofEntries(
                    Map.entry(
                            "contracts",
                            new Row(
                                    "kernels engine platform api scheduler trainer inference cli standalone bench migrations",
                                    "com.fasterxml.jackson.databind.. com.fasterxml.jackson.core.. org.slf4j.. io.quarkus.. java.sql..")),
                    Map.entry(
                            "kernels",
                            new Row(
                                    "contracts engine platform api scheduler trainer inference cli standalone bench migrations",
                                    "com.fasterxml.. org.slf4j.. org.bytedeco.. io.quarkus.. java.sql..")),
                    Map.entry(
                            "engine",
                            new Row(
                                    "platform api scheduler trainer inference cli standalone bench migrations",
                                    "io.quarkus.. org.apache.kafka.. io.minio.. org.jdbi.. org.postgresql.. java.net.http..")),
                    Map.entry(
                            "platform",
                            new Row(
                                    "kernels engine api scheduler trainer inference cli standalone bench migrations",
                                    "")),
                    Map.entry(
                            "api",
                            new Row(
                                    "kernels engine scheduler trainer inference cli standalone bench migrations",
                                    "")),
                    Map.entry(
                            "scheduler",
                            new Row(
                                    "kernels engine api trainer inference cli standalone bench migrations",
                                    "")),
                    Map.entry(
                            "trainer",
                            new Row(
                                    "api scheduler inference cli standalone bench migrations platform.sql",
                                    "io.quarkus.. org.jdbi.. org.postgresql.. java.sql..")),
                    Map.entry(
                            "inference",
                            new Row(
                                    "api scheduler trainer cli standalone bench migrations platform.sql engine.objective engine.optim engine.loop",
                                    "java.sql..")),
                    Map.entry(
                            "cli",
                            new Row(
                                    "kernels engine platform api scheduler trainer inference standalone bench migrations",
                                    "")),
                    Map.entry(
                            "standalone",
                            new Row(
                                    "kernels engine api scheduler trainer inference cli bench",
                                    "")));

    private Layers() {}

    /// Checks every boundary that concerns the named module.
    ///
    /// @param module package segment of the module: `contracts`, `engine`, `api` …
    /// @throws AssertionError with every offending access
    public static void check(String module) {
        JavaClasses classes =
                new ClassFileImporter()
                        .withImportOption(new ImportOption.DoNotIncludeTests())
                        .importPackages(ROOT + module);
        if (classes.isEmpty()) {
            throw new AssertionError("no classes found below " + ROOT + module);
        }
        for (ArchRule rule : rules(module)) {
            rule.allowEmptyShould(true).check(classes);
        }
    }

    private static List<ArchRule> rules(String module) {
        var rules = new ArrayList<ArchRule>();
        Row row = TABLE.get(module);
        if (row != null) {
            rules.add(boundary(module, row));
        }
        rules.addAll(everywhere());
        rules.add(slices().matching(ROOT + module + ".(*)..").should().beFreeOfCycles());
        if (module.equals("engine")) {
            rules.addAll(engineLayers());
        }
        return rules;
    }

    private static ArchRule boundary(String module, Row row) {
        return noClasses()
                .that()
                .resideInAPackage(ROOT + module + "..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(row.forbidden())
                .because("the module table of docs/reference/modules.md says so");
    }

    /// Rules on libraries that one package owns.
    private static List<ArchRule> everywhere() {
        return List.of(
                only("org.bytedeco..", "engine.javacpp"),
                only("io.fabric8..", "scheduler.pod"),
                only("io.minio..", "platform.objects", "standalone"),
                only("org.apache.kafka..", "platform.events", "standalone"),
                only(
                        "java.sql..",
                        "platform.sql",
                        "engine.data",
                        "migrations",
                        "standalone",
                        "api",
                        "scheduler"),
                only("ai.djl..", "engine.text"),
                only("java.util.concurrent.CompletableFuture", "platform.objects"));
    }

    private static ArchRule only(String library, String... owners) {
        String[] packages =
                List.of(owners).stream().map(o -> ROOT + o + "..").toArray(String[]::new);
        return noClasses()
                .that()
                .resideOutsideOfPackages(packages)
                .should()
                .dependOnClassesThat()
                .resideInAPackage(library)
                .because(library + " belongs to " + String.join(", ", owners));
    }

    /// The picture of docs/reference/engine.md, from the bottom.
    private static List<ArchRule> engineLayers() {
        List<List<String>> layers =
                List.of(
                        List.of("tensor", "io", "rows", "score"),
                        List.of("ops", "text", "table"),
                        List.of("tape", "data"),
                        List.of("nn", "prepare", "corpus"),
                        List.of("optim", "quant", "vision"),
                        List.of("model"),
                        List.of("adapter", "decode", "gguf"),
                        List.of("objective"),
                        List.of("loop"));
        var rules = new ArrayList<ArchRule>();
        for (int low = 0; low < layers.size(); low++) {
            for (String here : layers.get(low)) {
                String[] notBelow =
                        layers.subList(low, layers.size()).stream()
                                .flatMap(List::stream)
                                .filter(name -> !name.equals(here))
                                .map(name -> ROOT + "engine." + name + "..")
                                .toArray(String[]::new);
                rules.add(
                        noClasses()
                                .that()
                                .resideInAPackage(ROOT + "engine." + here + "..")
                                .should()
                                .dependOnClassesThat()
                                .resideInAnyPackage(notBelow)
                                .because("engine layers only look down"));
            }
        }
        return rules;
    }
}
