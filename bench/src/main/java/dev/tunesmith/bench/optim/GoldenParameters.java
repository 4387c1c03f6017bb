package dev.tunesmith.bench.optim;

import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.golden.GoldenTensors;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.optim.ParameterGroup;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/// The parameters of a case, as they are at its start.
final class GoldenParameters {

    private static final String PREFIX = "param/";

    private final GoldenCase golden;
    private final GoldenTensors inputs;
    private final List<Parameter> all = new ArrayList<>();

    GoldenParameters(GoldenCase golden, GoldenTensors inputs) {
        this.golden = golden;
        this.inputs = inputs;
    }

    void read(Region region, DType type) {
        for (String name : inputs.names()) {
            if (name.startsWith(PREFIX)) {
                Tensor value = region.tensor(type, inputs.shape(name));
                value.set(inputs.floats(name).orElseThrow());
                all.add(new Parameter(name.substring(PREFIX.length()), value));
            }
        }
    }

    List<Parameter> all() {
        return all;
    }

    /// Who decays, as the packages had it.
    List<ParameterGroup> groups(StepCases.Library kind) {
        double decay = golden.number("hyper.weight_decay", 0);
        Predicate<Parameter> decays =
                switch (kind) {
                    case ADAMW, MASTER, EIGHT_BIT, OLDER ->
                            parameter ->
                                    parameter.value().rank() >= 2
                                            || Boolean.TRUE.equals(golden.find("hyper.decay_all"));
                    case MINI ->
                            parameter ->
                                    !parameter.name().contains("norm")
                                            && !parameter.name().contains("bias");
                    case GALORE, APOLLO, BADAM, FREE, ADALOMO, LOMO, ADAFACTOR, LION, MUON, SGD ->
                            _ -> true;
                };
        return List.of(
                new ParameterGroup(all.stream().filter(decays).toList(), decay, 1),
                new ParameterGroup(all.stream().filter(decays.negate()).toList(), 0, 1));
    }

    /// The parameters whose names begin with each of the prefixes.
    List<List<Parameter>> blocks(List<?> prefixes) {
        List<List<Parameter>> blocks = new ArrayList<>();
        for (Object prefix : prefixes) {
            blocks.add(all.stream().filter(p -> p.name().startsWith(prefix.toString())).toList());
        }
        return blocks;
    }
}
