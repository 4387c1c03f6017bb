package dev.tunesmith.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tunesmith.contracts.fit.ModelFacts;
import dev.tunesmith.contracts.job.JobSpec;
import dev.tunesmith.contracts.method.ModelRole;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// A spec, the model it is for and the device it is planned for.
@SuppressWarnings("NullAway.Init")
final class PlanOptions {
    private static final Pattern SIZE =
            Pattern.compile(
                    "([0-9]+(?:\\.[0-9]+)?)\\s*([KMGT]?)(?:i?B)?", Pattern.CASE_INSENSITIVE);

    @Mixin private Connection connection;

    @Parameters(
            paramLabel = "SPEC|key=value",
            arity = "1..*",
            description = "a spec file, then changes to it")
    private List<String> words;

    @Option(
            names = "--model-dir",
            paramLabel = "DIR",
            description = "the model's folder; without it the server is asked")
    private @Nullable Path modelFolder;

    @Option(
            names = "--companion-dir",
            paramLabel = "ROLE=DIR",
            description =
                    "folder of a teacher, reference, reward_model or score_model; without it the server is asked, or with --model-dir it counts as large as the model")
    private Map<String, Path> companionFolders = Map.of();

    @Option(
            names = "--memory",
            paramLabel = "SIZE",
            description = "memory of the device, as in 8GiB (default: what this machine has)")
    private @Nullable String memory;

    ObjectNode body() {
        return SpecFile.of(words).body();
    }

    SpecPlan plan() {
        ObjectNode body = body();
        // All problems of the spec come before the first question to a server.
        JobSpec spec = SpecPlan.checked(body);
        Path folder = modelFolder;
        return SpecPlan.of(
                body,
                folder == null
                        ? SpecPlan.facts(connection.open(), spec.model())
                        : SpecPlan.facts(folder),
                companions(spec),
                memory == null ? machine() : bytes(memory));
    }

    /// Shapes of the other models that the job reads.
    private Map<ModelRole, ModelFacts> companions(JobSpec spec) {
        Map<ModelRole, ModelFacts> facts = new EnumMap<>(ModelRole.class);
        spec.choice()
                .settings()
                .companions()
                .forEach((role, name) -> {
                    Path folder = companionFolders.get(role.wire());
                    if (folder != null) {
                        facts.put(role, SpecPlan.facts(folder));
                    } else if (modelFolder == null) {
                        facts.put(role, SpecPlan.facts(connection.open(), name));
                    }
                });
        return facts;
    }

    private static long machine() {
        return java.lang.management.ManagementFactory.getOperatingSystemMXBean()
                        instanceof com.sun.management.OperatingSystemMXBean system
                ? system.getTotalMemorySize()
                : Runtime.getRuntime().maxMemory();
    }

    static long bytes(String size) {
        Matcher parts = SIZE.matcher(size.strip());
        if (!parts.matches()) {
            throw new CommandFailure(
                    ExitCode.USAGE, "\"%s\" is no size; one is 8GiB".formatted(size));
        }
        int power = " KMGT".indexOf(Character.toUpperCase((parts.group(2) + " ").charAt(0)));
        return (long) (Double.parseDouble(parts.group(1)) * Math.pow(1024, power));
    }
}
