package dev.tunesmith.engine.decode;

import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.nn.Linear;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.nn.Weight;
import dev.tunesmith.engine.ops.Products;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Device;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.kernels.cpu.Panels;
import java.util.ArrayList;
import java.util.List;

/// Copies of a model's bf16 matrices in the order in which products with few rows read them, for as
/// long as a model that trains draws answers: its weights must not change meanwhile. Matrices that
/// have such copies already, and models on devices, are left alone.
final class PanelCopies implements AutoCloseable {
    private final Region region;
    private final List<Parameter> copied = new ArrayList<>();

    PanelCopies(Decoder model, StepArena arena) {
        this.region = arena.open("copies for drawing");
        if (!Device.current().hostVisible() || model.computeType() != DType.BF16) {
            return;
        }
        for (Linear linear : model.linears()) {
            if (linear.weight() instanceof Weight.Dense(Parameter matrix)) {
                copy(matrix);
            }
        }
        copy(model.head().weight());
    }

    private void copy(Parameter matrix) {
        if (!matrix.hasPanels() && Products.PanelMatrix.takes(matrix.value(), Panels.Form.BF16)) {
            matrix.usePanels(Products.PanelMatrix.of(matrix.value(), Panels.Form.BF16, region));
            copied.add(matrix);
        }
    }

    @Override
    public void close() {
        copied.forEach(Parameter::dropPanels);
        region.close();
    }
}
