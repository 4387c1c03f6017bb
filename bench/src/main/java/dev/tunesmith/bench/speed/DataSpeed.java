package dev.tunesmith.bench.speed;

import dev.tunesmith.contracts.data.FileInspection;
import dev.tunesmith.contracts.data.RowSummary;
import dev.tunesmith.contracts.job.Overflow;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.mixture.TrainedTurns;
import dev.tunesmith.engine.data.ChatEncoder;
import dev.tunesmith.engine.data.DatasetTokenizer;
import dev.tunesmith.engine.data.DatasetTokenizer.Findings;
import dev.tunesmith.engine.data.Packing;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.data.SourceRows;
import dev.tunesmith.engine.data.TokenShard;
import dev.tunesmith.engine.data.TrainingFile;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.rows.RowSource;
import dev.tunesmith.engine.text.NamedFormat;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;

/// Megabytes a second of the check that needs no tokenizer, and of turning rows into tokens.
final class DataSpeed {

    private static final double MEGABYTE = 1e6;
    private static final int PROBLEMS_LISTED = 5;
    private static final int ROWS_SAMPLED = 100;

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

    /// Turns the file into tokens on disk once, as a job does when it begins.
    ///
    /// @param template by name; it counts where the model brings none of its own
    /// @param length greatest length of a row in tokens
    /// @param surveyed whether the pass also finds what a job reports beside bad rows
    Map<String, Object> tokens(Path model, String template, int length, boolean surveyed)
            throws IOException {
        ModelDirectory directory = ModelDirectory.open(model);
        var options =
                new DatasetTokenizer.Options(
                        Method.SUPERVISED,
                        length,
                        Overflow.TRUNCATE,
                        TrainedTurns.ANSWERS,
                        PROBLEMS_LISTED);
        Path room = Files.createTempDirectory("tunesmith-tokens");
        Path shard = room.resolve("shard");
        try (DatasetTokenizer tokenizer =
                DatasetTokenizer.of(
                        directory,
                        options,
                        NamedFormat.source(directory, template),
                        ChatEncoder.Sight.NONE)) {
            long start = System.nanoTime();
            Findings found = write(tokenizer, surveyed, shard);
            double seconds = (System.nanoTime() - start) / 1e9;
            found.problems().forEach(problem -> progress.println(problem.text()));
            return figures(found, shard, seconds);
        } finally {
            Files.deleteIfExists(shard);
            Files.delete(room);
        }
    }

    private Findings write(DatasetTokenizer tokenizer, boolean surveyed, Path shard)
            throws IOException {
        FileInspection inspection =
                surveyed
                        ? FileInspection.comparing(FileInspection.ROWS_COMPARED, _ -> {})
                        : FileInspection.ofRules();
        try (TokenShard.Writer writer = new TokenShard.Writer(shard)) {
            Findings found =
                    tokenizer.read(
                            SourceRows.of(RowSource.of(file)),
                            inspection,
                            row ->
                                    writer.add(
                                            row.documents(),
                                            new TokenShard.Row(
                                                    row.line(), row.fullLength(), 0, row.print())));
            writer.finish(Map.of());
            return found;
        }
    }

    private Map<String, Object> figures(Findings found, Path shard, double seconds)
            throws IOException {
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("rows", found.stats().rows());
        figures.put("tokens", found.stats().tokens());
        figures.put("seconds", Figures.rounded(seconds));
        figures.put("megabytes_per_second", Figures.rounded(Files.size(file) / MEGABYTE / seconds));
        figures.put("rows_per_second", Figures.rounded(found.stats().rows() / seconds));
        figures.put("sample", sample(shard));
        figures.put("processors", Runtime.getRuntime().availableProcessors());
        return figures;
    }

    /// A number that tells whether two programs made the same tokens of the first rows and train
    /// the same ones.
    private static long sample(Path file) {
        CRC32 sum = new CRC32();
        try (TokenShard shard = TokenShard.open(file)) {
            for (int row = 0; row < Math.min(ROWS_SAMPLED, shard.rows()); row++) {
                Sample sample = shard.sample(new Packing.Piece(row, 0, shard.length(row)));
                for (int i = 0; i < sample.length(); i++) {
                    String token = sample.ids()[i] + "," + (sample.weights()[i] > 0 ? 1 : 0) + ";";
                    sum.update(token.getBytes(StandardCharsets.US_ASCII));
                }
            }
        }
        return sum.getValue();
    }
}
