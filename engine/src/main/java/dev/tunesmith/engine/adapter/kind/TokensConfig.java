package dev.tunesmith.engine.adapter.kind;

import dev.tunesmith.engine.adapter.site.Scope;
import dev.tunesmith.engine.adapter.site.Site;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Only rows of the embedding train; a tied head follows them.
///
/// @param scope its targets name tables
public record TokensConfig(Scope scope, List<Integer> tokens) implements AdapterConfig {

    public TokensConfig {
        tokens = List.copyOf(tokens);
    }

    static TokensConfig read(Settings settings) {
        TokensConfig config =
                new TokensConfig(settings.scope("tokens"), settings.integers("token_indices"));
        if (config.tokens.isEmpty()) {
            settings.fault("token_indices is empty");
        }
        settings.finish();
        return config;
    }

    @Override
    public String peftType() {
        return "TRAINABLE_TOKENS";
    }

    @Override
    public void attach(Site site) {
        Map<String, List<Integer>> rows = new TreeMap<>();
        for (String table : List.of(site.decoder().embedding().name(), "lm_head")) {
            if (scope.targets().contains(table, false)) {
                rows.put(table, tokens);
            }
        }
        Site.require(TokenRows.attach(site, rows, ""), scope);
    }

    @Override
    public void write(Map<String, Object> tree) {
        tree.put("token_indices", tokens);
        tree.put("init_weights", true);
    }

    @Override
    public TokensConfig withoutDropout() {
        return this;
    }
}
