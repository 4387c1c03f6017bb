package dev.tunesmith.bench.method;

import dev.tunesmith.bench.golden.GoldenTensors;
import dev.tunesmith.engine.data.BatchBuilder;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.data.TokenBatch;
import java.util.ArrayList;
import java.util.List;

/// Padded rows of a golden file as documents end to end, and the way back to its tables.
///
/// @param documents what each document is
/// @param rows the row of the file that each document is
/// @param begins first column of each document's tokens in the file
/// @param width tokens of a padded row
record MethodRows(List<Sample> documents, List<Integer> rows, List<Integer> begins, int width) {

    MethodRows {
        documents = List.copyOf(documents);
        rows = List.copyOf(rows);
        begins = List.copyOf(begins);
    }

    /// Rows 0…n−1 are chosen, n…2n−1 rejected: row i and row n+i become neighbours.
    static MethodRows pairs(GoldenTensors file, String answerMask) {
        return pairs(file, answerMask, 0);
    }

    /// @param context weight of tokens before the answer, 0 if they are not scored
    static MethodRows pairs(GoldenTensors file, String answerMask, float context) {
        int count = (int) file.shape("input_ids")[0];
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < count / 2; i++) {
            order.add(i);
            order.add(count / 2 + i);
        }
        return of(file, "", answerMask, order, context);
    }

    /// Rows as they are.
    static MethodRows plain(GoldenTensors file, String prefix, String answerMask) {
        int count = (int) file.shape(prefix + "input_ids")[0];
        return of(
                file,
                prefix,
                answerMask,
                java.util.stream.IntStream.range(0, count).boxed().toList(),
                0);
    }

    /// @param context weight of tokens before the answer, 0 if they are not scored
    static MethodRows of(
            GoldenTensors file,
            String prefix,
            String answerMask,
            List<Integer> order,
            float context) {
        int[] ids = file.integers(prefix + "input_ids");
        int[] mask = file.integers(prefix + "attention_mask");
        int[] answer = answerMask.isEmpty() ? new int[ids.length] : file.integers(answerMask);
        int width = ids.length / (int) file.shape(prefix + "input_ids")[0];
        List<Sample> documents = new ArrayList<>();
        List<Integer> begins = new ArrayList<>();
        for (int row : order) {
            int begin = 0;
            while (begin < width - 1 && mask[row * width + begin] == 0) {
                begin++;
            }
            int end = begin;
            while (end < width && mask[row * width + end] != 0) {
                end++;
            }
            int[] tokens = new int[end - begin];
            float[] weights = new float[end - begin];
            for (int t = begin; t < end; t++) {
                tokens[t - begin] = ids[row * width + t];
                weights[t - begin] = answer[row * width + t] != 0 ? 1 : context;
            }
            documents.add(new Sample(tokens, weights));
            begins.add(begin);
        }
        return new MethodRows(documents, order, begins, width);
    }

    /// Rows whose labels are given, not a mask: padded ones, or one row of which every document
    /// begins where its positions do.
    static MethodRows labelled(GoldenTensors file) {
        int[] ids = file.integers("input_ids");
        int[] labels = file.integers("labels");
        int count = (int) file.shape("input_ids")[0];
        int width = ids.length / count;
        int[] mask = new int[ids.length];
        int[] positions = new int[ids.length];
        for (int i = 0; i < ids.length; i++) {
            mask[i] = 1;
            positions[i] = i % width;
        }
        mask = file.has("attention_mask") ? file.integers("attention_mask") : mask;
        positions = file.has("position_ids") ? file.integers("position_ids") : positions;
        List<Sample> documents = new ArrayList<>();
        List<Integer> rows = new ArrayList<>();
        List<Integer> begins = new ArrayList<>();
        for (int from = 0; from < ids.length; ) {
            int end = from + 1;
            while (end < ids.length && positions[end] != 0 && end % width != 0 && mask[end] != 0) {
                end++;
            }
            if (mask[from] != 0) {
                float[] weights = new float[end - from];
                for (int t = 0; t < weights.length; t++) {
                    weights[t] = labels[from + t] == TokenBatch.NOT_TRAINED ? 0 : 1;
                }
                documents.add(new Sample(java.util.Arrays.copyOfRange(ids, from, end), weights));
                rows.add(from / width);
                begins.add(from % width);
            }
            from = end;
        }
        return new MethodRows(documents, rows, begins, width);
    }

    /// Documents end to end.
    static TokenBatch end(List<Sample> documents) {
        BatchBuilder builder = new BatchBuilder();
        documents.forEach(builder::add);
        return builder.build();
    }

    TokenBatch batch() {
        return batch(0, documents.size());
    }

    TokenBatch batch(int from, int to) {
        return end(documents.subList(from, to));
    }

    /// Values of labelled tokens as the file's table [rows, width − 1], whose column t belongs to
    /// token t + 1; zero elsewhere.
    float[] table(double[] values_M) {
        int ofFile = 1 + rows.stream().mapToInt(Integer::intValue).max().orElse(-1);
        float[] table = new float[ofFile * (width - 1)];
        int m = 0;
        for (int d = 0; d < documents.size(); d++) {
            Sample document = documents.get(d);
            for (int t = 1; t < document.length(); t++) {
                if (document.weights()[t] != 0) {
                    int column = begins.get(d) + t - 1;
                    table[rows.get(d) * (width - 1) + column] = (float) values_M[m++];
                }
            }
        }
        return table;
    }
}
