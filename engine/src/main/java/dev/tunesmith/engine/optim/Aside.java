package dev.tunesmith.engine.optim;

import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;

/// What products read and files show, for the time in which other values stand in its place.
///
/// Only values are exchanged; masters of bf16 weights stay what they are, and where files hold
/// masters they show the other values instead. Closing puts back what was there.
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
        if (parameter.isWrittenExactly() && parameter.exact() != parameter.value()) {
            Tensor exact = region.tensor(DType.F32, point.shape());
            Elementwise.convert(exact, point);
            parameter.show(exact);
        }
        parameter.changed();
    }

    @Override
    public void close() {
        values.forEach((parameter, value) -> {
            parameter.value().copyFrom(value);
            parameter.show(null);
            parameter.changed();
        });
        values.clear();
        region.close();
    }
}
