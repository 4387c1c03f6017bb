package dev.tunesmith.bench.manifests;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// The environment variables that a module's sources read: settings interfaces, the keys of the
/// trainer's reader, and names that stand there in full.
record KnownNames(Set<String> names) {
    private static final Pattern MAPPING =
            Pattern.compile("@ConfigMapping\\(prefix = \"([a-z.]+)\"\\)");
    private static final Pattern NESTED = Pattern.compile("^ {4}(?:interface|record) (\\w+)");
    private static final Pattern METHOD =
            Pattern.compile("^( {4}| {8})([A-Z]\\w*(?:<\\w+>)?|int|long|boolean) (\\w+)\\(\\);");
    private static final Pattern WITH_NAME = Pattern.compile("@WithName\\(\"([a-z.-]+)\"\\)");
    private static final Pattern READER =
            Pattern.compile("(?:text|duration|integer|size)\\(\\s*\"([a-z.-]+)\"");
    private static final Pattern IN_FULL = Pattern.compile("\"(TUNESMITH_[A-Z_]+)\"");
    private static final Pattern PLACEHOLDER = Pattern.compile("\\$\\{(tunesmith[a-z.-]+)}");

    /// What the modules read, libraries of this project included.
    static KnownNames of(Path home, List<String> modules) {
        var names = new TreeSet<>(Set.of("QUARKUS_HTTP_HOST", "QUARKUS_MANAGEMENT_HOST"));
        for (String module : modules) {
            for (Path file : sources(home.resolve(module).resolve("src/main"))) {
                names.addAll(in(read(file)));
            }
        }
        return new KnownNames(names);
    }

    private static List<Path> sources(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(file -> file.toString().matches(".*\\.(java|properties)")).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Set<String> in(String source) {
        Set<String> names =
                Stream.of(READER, PLACEHOLDER)
                        .flatMap(pattern -> pattern.matcher(source).results())
                        .map(found -> found.group(1))
                        .map(key -> key.startsWith("tunesmith") ? key : "tunesmith." + key)
                        .map(KnownNames::environment)
                        .collect(Collectors.toCollection(TreeSet::new));
        IN_FULL.matcher(source).results().forEach(found -> names.add(found.group(1)));
        Matcher mapping = MAPPING.matcher(source);
        if (mapping.find()) {
            names.addAll(mapped(mapping.group(1), source));
        }
        return names;
    }

    /// A method of a nested interface stands behind the method that returns it.
    private static Set<String> mapped(String prefix, String source) {
        var names = new TreeSet<String>();
        Map<String, String> groups = new HashMap<>();
        String group = "";
        String given = "";
        for (String line : source.lines().toList()) {
            Matcher nested = NESTED.matcher(line);
            Matcher named = WITH_NAME.matcher(line);
            Matcher method = METHOD.matcher(line);
            if (nested.find()) {
                group = groups.getOrDefault(nested.group(1), "") + ".";
            } else if (named.find()) {
                given = named.group(1);
            } else if (method.find()) {
                String key = given.isEmpty() ? dashed(method.group(3)) : given;
                boolean inside = method.group(1).length() > 4;
                groups.put(method.group(2), key);
                names.add(environment(prefix + "." + (inside ? group : "") + key));
                given = "";
            }
        }
        return names;
    }

    private static String dashed(String name) {
        return name.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
    }

    private static String environment(String key) {
        return key.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_');
    }
}
