package dev.tunesmith.bench.verify;

import java.util.Map;
import java.util.TreeMap;

/// Which runner computes which group of cases.
final class CaseGroups {

    private static final Map<String, CaseRunner> RUNNERS =
            new TreeMap<>(
                    Map.of(
                            "families", new FamilyCases(),
                            "adapters/base", new PlainModelCases(),
                            "adapters", new AdapterCases(),
                            "text/chat_templates", new TemplateCases(),
                            "text/jinja_expressions", new ExpressionCases(),
                            "text/tokenizers", new TokenizerCases(),
                            "text/bpe_training", new BpeTrainingCases(),
                            "text/packing", new PackingCases(),
                            "methods/dpo", new PairCases()));

    private CaseGroups() {}

    /// The runner of a group.
    static CaseRunner of(String group) {
        CaseRunner runner = RUNNERS.get(group);
        if (runner == null) {
            throw new UnsupportedCaseException(
                    "no runner for group '%s' (there are: %s)"
                            .formatted(group, String.join(", ", RUNNERS.keySet())));
        }
        return runner;
    }
}
