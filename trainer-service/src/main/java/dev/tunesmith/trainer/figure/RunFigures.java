package dev.tunesmith.trainer.figure;

import dev.tunesmith.contracts.curve.Panel;
import dev.tunesmith.contracts.curve.Series;
import dev.tunesmith.contracts.event.StepMetrics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// Everything that is made of the lines of a run's table.
public final class RunFigures {
    private RunFigures() {}

    /// Writes the pictures and the event file into a folder.
    ///
    /// @param lines figures by name, each line with its `step`
    public static void write(Path folder, Iterable<? extends Map<String, ?>> lines)
            throws IOException {
        Map<String, Series> series = Series.of(lines);
        List<Panel> panels = Panel.of(series);
        if (panels.isEmpty()) {
            return;
        }
        Files.writeString(folder.resolve(StepMetrics.SVG), SvgFigure.of(panels));
        Files.write(folder.resolve(StepMetrics.PNG), PngFigure.of(panels));
        Files.write(folder.resolve(StepMetrics.EVENTS), EventFile.of(series.values()));
    }
}
