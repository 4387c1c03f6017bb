package dev.tunesmith.engine.adapter.kind;

import dev.tunesmith.engine.adapter.site.FileTensor;
import dev.tunesmith.engine.adapter.site.Form;
import dev.tunesmith.engine.adapter.site.Site;
import dev.tunesmith.engine.adapter.site.Start;
import dev.tunesmith.engine.nn.Embedding;
import dev.tunesmith.engine.nn.Head;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.nn.change.HeadChange;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.List;
import java.util.Map;

/// Rows of tables that train as a whole. PEFT calls them deltas, but they take the place of rows.
final class TokenRows {

    private TokenRows() {}

    /// Attaches rows by the name of their table, and tells of how many tables.
    ///
    /// @param holder what stands between the name of the table and that of the tensor
    static int attach(Site site, Map<String, List<Integer>> tokens, String holder) {
        int attached = 0;
        for (Map.Entry<String, List<Integer>> entry : tokens.entrySet()) {
            String table = entry.getKey();
            Embedding embedding = site.decoder().embedding();
            if (table.equals("lm_head") && !tied(site)) {
                replaceHead(site, entry.getValue(), holder);
            } else if (embedding.name().endsWith(table)) {
                replace(site, embedding, entry.getValue(), holder);
            } else {
                throw Site.refused("trainable tokens of %s are not supported".formatted(table));
            }
            attached++;
        }
        return attached;
    }

    private static boolean tied(Site site) {
        return site.decoder().head().weight() == site.decoder().embedding().table();
    }

    private static void replace(
            Site site, Embedding embedding, List<Integer> tokens, String holder) {
        String end = holder + ".trainable_tokens_delta";
        Parameter rows = rows(site, embedding.name() + end, embedding.table().value(), tokens);
        boolean tied = tied(site);
        embedding.replace(new Embedding.TokenRows(tokens, rows));
        site.undo(embedding::detach);
        if (tied) {
            Head head = site.decoder().head();
            head.attach(new HeadChange(head.weight(), tokens, rows, site.region()));
            site.undo(head::detach);
            String again = Site.PREFIX + "lm_head" + end;
            site.skip(again);
            if (holder.isEmpty()) {
                site.extras().put(again, () -> FileTensor.of(rows.best(), rows.value().shape()));
            }
        }
    }

    private static void replaceHead(Site site, List<Integer> tokens, String holder) {
        Head head = site.decoder().head();
        String name = "lm_head" + holder + ".trainable_tokens_delta";
        Parameter rows = rows(site, name, head.weight().value(), tokens);
        head.attach(new HeadChange(head.weight(), tokens, rows, site.region()));
        site.undo(head::detach);
    }

    private static Parameter rows(Site site, String name, Tensor table, List<Integer> tokens) {
        int width = (int) table.width();
        float[] rows = new float[tokens.size() * width];
        for (int m = 0; m < tokens.size(); m++) {
            int token = tokens.get(m);
            if (token < 0 || token >= table.size(0)) {
                throw Site.refused("trainable tokens: there is no token " + token);
            }
            float[] row = table.rowRange(token, token + 1L).toFloats();
            System.arraycopy(row, 0, rows, m * width, width);
        }
        return site.parameter(
                Site.PREFIX + name,
                Form.plain(),
                table.type(),
                new Start.Given(rows),
                tokens.size(),
                width);
    }
}
