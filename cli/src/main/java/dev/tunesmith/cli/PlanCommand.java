package dev.tunesmith.cli;

import dev.tunesmith.contracts.fit.MemoryPlan;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/// `tunesmith plan`: how much memory a job will take, and what to change if that is too much.
@Command(
        name = "plan",
        description =
                "Print the memory plan of a spec and the cheapest change that makes it fit; exit code 2 if it does not.",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "Examples:",
            "  tunesmith plan spec.yaml --memory 8GiB",
            "  tunesmith plan spec.yaml micro_batch=1 --model-dir models/nano"
        })
@SuppressWarnings("NullAway.Init")
final class PlanCommand implements Callable<Integer> {
    @Mixin private PlanOptions options;
    @Mixin private Output output;

    @Override
    public Integer call() {
        SpecPlan plan = options.plan();
        MemoryPlan memory = plan.memoryPlan();
        var rows = new ArrayList<List<String>>();
        memory.sections()
                .forEach(section ->
                        rows.add(
                                List.of(section.name(), size(section.bytes()), section.formula())));
        rows.add(List.of("total", size(memory.total()), ""));
        rows.add(List.of("device", size(plan.memory()), ""));
        boolean fits = memory.fits(plan.memory());
        output.table(
                Api.JSON.valueToTree(memory.sections()),
                List.of("SECTION", "SIZE", "FORMULA"),
                rows);
        if (!output.isJson()) {
            output.text(fits ? "It fits." : advice(plan, memory));
        }
        return fits ? ExitCode.OK : ExitCode.USAGE;
    }

    private static String advice(SpecPlan plan, MemoryPlan memory) {
        Optional<MemoryPlan.Alternative> found = memory.advice(plan.model(), plan.memory());
        return found.map(change ->
                        "It does not fit. The cheapest change that makes it fit: %s (%s)."
                                .formatted(
                                        String.join(", ", change.changes()), size(change.bytes())))
                .orElse("It does not fit, and no setting makes it fit: choose a smaller model.");
    }

    private static String size(long bytes) {
        double mib = bytes / (double) (1L << 20);
        return mib < 1024
                ? String.format(Locale.ROOT, "%.1f MiB", mib)
                : String.format(Locale.ROOT, "%.2f GiB", mib / 1024);
    }
}
