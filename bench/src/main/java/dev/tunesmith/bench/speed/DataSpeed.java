package dev.tunesmith.bench.speed;

import dev.tunesmith.contracts.data.RowSummary;
import dev.tunesmith.engine.data.TrainingFile;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/// Megabytes a second of the check that needs no tokenizer.
final class DataSpeed {

    private static final double MEGABYTE = 1e6;

    private final Path file;
    private final PrintStream progress;

    /// @param progress gets a line for each round
    DataSpeed(Path file, PrintStream progress) {
        this.file = file;
        this.progress = progress;
    }

    /// Checks the file some times; the rate is that of the median round after the first, in which
    /// the code is still being compiled.
    Map<String, Object> check(int rounds) throws IOException {
        double size = Files.size(file) / MEGABYTE;
        double[] seconds = new double[rounds];
        long rows = 0;
        long problems = 0;
        double processor = 0;
        for (int round = 0; round < rounds; round++) {
            long start = System.nanoTime();
            double before = OwnProcess.processorSeconds();
            RowSummary summary = TrainingFile.check(file);
            seconds[round] = (System.nanoTime() - start) / 1e9;
            processor = OwnProcess.processorSeconds() - before;
            rows = summary.rows();
            problems = summary.problemCount();
            progress.printf("round %d: %.1f MB/s%n", round, size / seconds[round]);
        }
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("megabytes", Figures.rounded(size));
        figures.put("rows", rows);
        figures.put("problems", problems);
        figures.put("first_megabytes_per_second", Figures.rounded(size / seconds[0]));
        figures.put(
                "megabytes_per_second", Figures.rounded(size / Figures.medianAfterFirst(seconds)));
        figures.put("megabytes_per_processor_second", Figures.rounded(size / processor));
        figures.put("processors", Runtime.getRuntime().availableProcessors());
        figures.put("peak_rss_gib", Figures.rounded(OwnProcess.peakBytes() / (double) (1 << 30)));
        return figures;
    }
}
