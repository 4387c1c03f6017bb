package dev.tunesmith.trainer.attempt;

import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.Problems;
import dev.tunesmith.engine.data.JsonLines;
import dev.tunesmith.engine.data.TrainingRow;
import dev.tunesmith.engine.data.UnusableRowException;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/// Checks the shape of rows: each a conversation or a text, whatever they will be used for.
final class RowShapes {

    private final Problems problems;

    RowShapes(Problems problems) {
        this.problems = problems;
    }

    /// Adds what is wrong with a file and returns the number of its rows.
    long check(Path file) throws IOException {
        long rows = 0;
        try (BufferedReader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            long number = 0;
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                number++;
                if (!line.isBlank()) {
                    rows++;
                    check(number, line);
                }
            }
        } catch (CharacterCodingException e) {
            problems.add(Problem.ofLine(rows + 1, null, "the file is not valid UTF-8"));
        }
        return rows;
    }

    private void check(long number, String line) {
        try {
            Map<String, Object> tree = JsonLines.parse(line);
            TrainingRow _ =
                    tree.containsKey("text") ? TrainingRow.text(tree) : TrainingRow.chat(tree);
        } catch (UnusableRowException e) {
            problems.add(e.problem(number));
        }
    }
}
