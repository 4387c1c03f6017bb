package dev.tunesmith.engine.objective;

import dev.tunesmith.engine.data.BatchBuilder;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.data.TokenBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// The rows of a step with the answers of other rows: what KTO measures its baseline on. A pair
/// never comes back as one of the rows, whatever is repeated among them.
public final class Mismatched {

    private Mismatched() {}

    /// Tokens of a row before and from its answer on.
    // Arrays: compared by content only.
    @SuppressWarnings("ArrayRecordComponent")
    private record Row(int[] prompt, int[] answer, float[] weights) {
        boolean pairsWith(Row other) {
            return !Arrays.equals(prompt, other.prompt) && !Arrays.equals(answer, other.answer);
        }

        Sample with(Row other) {
            int[] ids = Arrays.copyOf(prompt, prompt.length + other.answer.length);
            System.arraycopy(other.answer, 0, ids, prompt.length, other.answer.length);
            float[] all = new float[ids.length];
            System.arraycopy(other.weights, 0, all, prompt.length, other.weights.length);
            return new Sample(ids, all);
        }
    }

    /// Every prompt with the answer of the row before it, the first with that of the last; one
    /// batch for each part that has such a pair. Where prompts or answers are the same, the next
    /// earlier row serves.
    public static List<TokenBatch> of(List<TokenBatch> parts) {
        List<Row> rows = new ArrayList<>();
        parts.forEach(part -> addRows(rows, part));
        List<TokenBatch> batches = new ArrayList<>();
        int at = 0;
        for (TokenBatch part : parts) {
            BatchBuilder builder = new BatchBuilder();
            int found = 0;
            for (int d = 0; d < part.documents(); d++, at++) {
                Row row = rows.get(at);
                for (int back = 1; back < rows.size(); back++) {
                    Row other = rows.get(Math.floorMod(at - back, rows.size()));
                    if (row.pairsWith(other)) {
                        builder.add(row.with(other));
                        found++;
                        break;
                    }
                }
            }
            if (found > 0) {
                batches.add(builder.build());
            }
        }
        return batches;
    }

    private static void addRows(List<Row> rows, TokenBatch batch) {
        for (int d = 0; d < batch.documents(); d++) {
            int begin = batch.cuSeqlens_D1()[d];
            int end = batch.cuSeqlens_D1()[d + 1];
            int answer = begin + 1;
            while (answer < end && batch.labels_N()[answer - 1] == TokenBatch.NOT_TRAINED) {
                answer++;
            }
            rows.add(
                    new Row(
                            Arrays.copyOfRange(batch.ids_N(), begin, answer),
                            Arrays.copyOfRange(batch.ids_N(), answer, end),
                            Arrays.copyOfRange(batch.weights_N(), answer - 1, end - 1)));
        }
    }
}
