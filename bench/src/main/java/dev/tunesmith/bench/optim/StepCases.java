package dev.tunesmith.bench.optim;

import dev.tunesmith.bench.golden.CaseRunner;
import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.golden.GoldenTensors;
import dev.tunesmith.bench.golden.Tolerance;
import dev.tunesmith.bench.golden.UnsupportedCaseException;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.ops.CodeBook;
import dev.tunesmith.engine.optim.BlockOptimizer;
import dev.tunesmith.engine.optim.Optimizer;
import dev.tunesmith.engine.optim.Rule;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.Locale;
import java.util.Objects;

/// Group `optim/optimizers`: parameters after every step of a given list of gradients.
public final class StepCases implements CaseRunner {

    @Override
    public void run(GoldenCase golden, Comparison comparison) {
        Library kind = Library.of(golden);
        switch (kind) {
            case MUON -> {
                // The library iterates in bf16; a second file holds the exact iteration.
                new Run(golden, comparison, kind, DType.BF16).steps();
                if (golden.file("more.safetensors").isPresent()) {
                    new Run(golden, comparison, kind, DType.F32).steps();
                }
            }
            default -> new Run(golden, comparison, kind, DType.F32).steps();
        }
    }

    /// What computed a case.
    enum Library {
        MASTER("fp32 master"),
        EIGHT_BIT("AdamW8bit"),
        OLDER("without a rank"),
        GALORE("GaLore"),
        APOLLO("APOLLO"),
        BADAM("BlockOptimizer"),
        FREE("ScheduleFree"),
        MINI("Adam_mini"),
        ADALOMO("AdaLomo"),
        LOMO("Lomo"),
        ADAFACTOR("Adafactor"),
        LION("Lion"),
        MUON("Muon"),
        SGD("SGD"),
        ADAMW("AdamW");

        private final String word;

        Library(String word) {
            this.word = word;
        }

        /// Told by where the numbers come from; names of cases say nothing.
        static Library of(GoldenCase golden) {
            String source = golden.text("source", "");
            for (Library kind : values()) {
                if (source.contains(kind.word)) {
                    return kind;
                }
            }
            throw new UnsupportedCaseException("steps of '%s'".formatted(source));
        }
    }

    private static final class Run {

        private static final Tolerance EXACT_MUON = Tolerance.absolute(2e-6);

        private final GoldenCase golden;
        private final Comparison comparison;
        private final Library kind;
        private final DType precision;
        private final GoldenTensors inputs;
        private final GoldenTensors outputs;
        private final Tolerance tolerance;
        private final int steps;

        Run(GoldenCase golden, Comparison comparison, Library kind, DType precision) {
            this.golden = golden;
            this.comparison = comparison;
            this.kind = kind;
            this.precision = precision;
            this.inputs = golden.tensors("inputs.safetensors").orElseThrow();
            this.outputs = golden.tensors("outputs.safetensors").orElseThrow();
            this.tolerance = golden.tolerance(kind == Library.MASTER ? "master" : "parameters");
            this.steps = (int) golden.number("steps", 0);
        }

        void steps() {
            GoldenParameters parameters = new GoldenParameters(golden, inputs);
            try (Region region = Region.lasting("golden parameters")) {
                parameters.read(region, kind == Library.MASTER ? DType.BF16 : DType.F32);
                if (kind != Library.BADAM) {
                    parameters.all().forEach(parameter -> parameter.train(region));
                }
                try (Optimizer optimizer = optimizer(parameters, region)) {
                    for (int step = 0; step < steps; step++) {
                        step(parameters, optimizer, step);
                    }
                }
            }
        }

        private Optimizer optimizer(GoldenParameters parameters, Region region) {
            if (kind == Library.BADAM) {
                return blocks(parameters);
            }
            Rule rule = new GoldenRule(golden, kind, precision).rule();
            double limit = golden.number("hyper.clip_grad_norm", 0);
            return Optimizer.of(parameters.groups(kind), rule, limit, region);
        }

        private BlockOptimizer blocks(GoldenParameters parameters) {
            var plan =
                    new BlockOptimizer.Plan(
                            GoldenRule.adam(golden, false),
                            BlockOptimizer.Order.valueOf(
                                    golden.text("hyper.mode", "ascending")
                                            .toUpperCase(Locale.ROOT)),
                            (int) golden.number("hyper.every", 1),
                            (int) golden.number("hyper.start", -1),
                            // The library switches one step early, before the first block is done.
                            1,
                            golden.number("hyper.weight_decay", 0),
                            0,
                            0);
            return new BlockOptimizer(parameters.blocks(golden.list("blocks")), plan);
        }

        private void step(GoldenParameters parameters, Optimizer optimizer, int step) {
            optimizer.begin();
            for (Parameter parameter : parameters.all()) {
                if (parameter.trains()) {
                    String name = "grad/%d/%s".formatted(step, parameter.name());
                    parameter.gradient().set(inputs.floats(name).orElseThrow());
                }
            }
            optimizer.step(rate(step));
            for (Parameter parameter : parameters.all()) {
                compare(parameter, step);
            }
            if (kind == Library.FREE) {
                average(parameters, optimizer, step);
            }
            if (kind == Library.EIGHT_BIT) {
                codes(parameters, optimizer, step);
            }
        }

        private double rate(int step) {
            double rate = golden.number("hyper.lr", 0);
            double warmup = golden.number("hyper.warmup_steps", 0);
            return warmup > 0 ? rate * Math.min(1, (step + 1) / warmup) : rate;
        }

        private void compare(Parameter parameter, int step) {
            String place = "%d/%s".formatted(step, parameter.name());
            float[] values = parameter.best();
            if (kind == Library.MASTER) {
                comparison.golden("master/" + place, values, outputs, "master/" + place, tolerance);
                float[] low = parameter.value().toFloats();
                // Half a step of bf16 beside what the master may be off.
                var rounding = new Tolerance(tolerance.absolute(), 1.0 / 128, 0);
                comparison.golden("after/" + place, low, outputs, "after/" + place, rounding);
            } else if (kind == Library.MUON && precision == DType.F32) {
                GoldenTensors more = golden.tensors("more.safetensors").orElseThrow();
                comparison.golden("exact/" + place, values, more, "exact/" + place, EXACT_MUON);
            } else {
                comparison.golden("after/" + place, values, outputs, "after/" + place, tolerance);
            }
        }

        private void average(GoldenParameters parameters, Optimizer optimizer, int step) {
            GoldenTensors more = golden.tensors("more.safetensors").orElse(null);
            if (more == null) {
                return;
            }
            optimizer.measuring(true);
            for (Parameter parameter : parameters.all()) {
                String name = "x/%d/%s".formatted(step, parameter.name());
                comparison.golden(name, parameter.value().toFloats(), more, name, tolerance);
            }
            optimizer.measuring(false);
        }

        private void codes(GoldenParameters parameters, Optimizer optimizer, int step) {
            var largest = new Tolerance(0, golden.number("tolerance.absmax.rtol", 0), 0);
            golden.tensors("maps.safetensors")
                    .ifPresent(maps -> {
                        var exact = new Tolerance(0, 0, 0);
                        float[] signed = CodeBook.SIGNED.values();
                        float[] unsigned = CodeBook.UNSIGNED.values();
                        comparison.golden("signed map", signed, maps, "signed_map", exact);
                        comparison.golden("unsigned map", unsigned, maps, "unsigned_map", exact);
                    });
            for (Parameter parameter : parameters.all()) {
                for (String key : new String[] {"absmax1", "absmax2"}) {
                    Tensor found = optimizer.state().get(parameter.name() + "." + key);
                    String name = "state/%d/%s/%s".formatted(step, parameter.name(), key);
                    if (found != null) {
                        comparison.golden(name, found.toFloats(), outputs, name, largest);
                    }
                }
                for (String key : new String[] {"state1", "state2"}) {
                    String name = "state/%d/%s/%s".formatted(step, parameter.name(), key);
                    Tensor found = optimizer.state().get(parameter.name() + "." + key);
                    if (found != null && outputs.has(name)) {
                        codes(name, found);
                    }
                }
            }
        }

        private void codes(String name, Tensor found) {
            int[] expected = outputs.integers(name);
            float[] codes = Objects.requireNonNull(found).toFloats();
            int different = 0;
            double furthest = 0;
            for (int i = 0; i < codes.length; i++) {
                double distance = Math.abs(codes[i] - expected[i]);
                furthest = Math.max(furthest, distance);
                different += distance > 0 ? 1 : 0;
            }
            comparison.number(
                    name + ": codes that differ",
                    different,
                    0,
                    Tolerance.absolute(
                            codes.length
                                    * golden.number(
                                            "tolerance.state_bytes.max_share_different", 0)));
            comparison.number(
                    name + ": largest distance of codes",
                    furthest,
                    0,
                    Tolerance.absolute(
                            golden.number("tolerance.state_bytes.max_index_distance", 0)));
        }
    }
}
