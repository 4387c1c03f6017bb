package dev.tunesmith.contracts.grade;

import java.util.LinkedHashMap;
import java.util.Map;

/// Token accuracy, loss and perplexity of a model over rows, as means over tokens and as means over
/// rows. Rows without a trained token count in none of them.
///
/// | Score | Mean over | Known as |
/// |---|---|---|
/// | `token_accuracy` | tokens | |
/// | `token_accuracy_rows` | rows | `eval_accuracy` of LLaMA-Factory (`compute_accuracy`) |
/// | `loss` | tokens | `eval_loss` of transformers where one batch holds all rows |
/// | `loss_rows` | rows | `eval_loss` of transformers at one row a batch |
/// | `perplexity` | tokens | the exponential of `loss`, `perplexity` of `run_clm` |
/// | `perplexity_rows` | rows | the mean of LLaMA-Factory's `cal_ppl.py` |
///
/// The label of a position is compared with what was predicted one position before, as everywhere.
public final class Likelihoods {
    private long rows;
    private long tokens;
    private long hits;
    private double loss;
    private double rowLoss;
    private double rowAccuracy;
    private double rowPerplexity;

    /// Counts a row.
    public void add(Likelihood row) {
        if (row.tokens() == 0) {
            return;
        }
        rows++;
        tokens += row.tokens();
        hits += row.hits();
        loss += row.loss();
        rowLoss += row.meanLoss();
        rowAccuracy += row.accuracy();
        rowPerplexity += Math.exp(row.meanLoss());
    }

    /// Rows with a trained token.
    public long rows() {
        return rows;
    }

    /// All scores; none if nothing was counted.
    public Map<String, Double> scores() {
        Map<String, Double> scores = new LinkedHashMap<>();
        if (rows > 0) {
            scores.put("token_accuracy", (double) hits / tokens);
            scores.put("token_accuracy_rows", rowAccuracy / rows);
            scores.put("loss", loss / tokens);
            scores.put("loss_rows", rowLoss / rows);
            scores.put("perplexity", Math.exp(loss / tokens));
            scores.put("perplexity_rows", rowPerplexity / rows);
        }
        return scores;
    }
}
