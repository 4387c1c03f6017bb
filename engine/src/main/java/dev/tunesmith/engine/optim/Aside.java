package dev.tunesmith.engine.optim;

import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;

/// What products read, for the time in which other values stand in its place.
///
/// Only values are exchanged; masters of bf16 weights stay what they are. Closing puts back what
/// was there.
public final class Aside implements AutoCloseable {

    private final Region region = Region.lasting("weights in training");
    private final Map<Parameter, Tensor> values = new LinkedHashMap<>();

    /// Puts `point` where products read the parameter.
    public void put(Parameter parameter, Tensor point) {
        if (!values.containsKey(parameter)) {
            values.put(parameter, region.copy(parameter.value()));
        }
        if (point.type() == parameter.value().type()) {
            parameter.value().copyFrom(point);
        } else {
            Elementwise.convert(parameter.value(), point);
        }
        parameter.changed();
    }

    @Override
    public void close() {
        values.forEach((parameter, value) -> {
            parameter.value().copyFrom(value);
            parameter.changed();
        });
        values.clear();
        region.close();
    }
}
