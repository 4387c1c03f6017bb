package dev.tunesmith.contracts.dataset;

import dev.tunesmith.contracts.chat.NamedTemplates;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// LLaMA-Factory's options of data, checked together: everything that is wrong, at once.
///
/// @param stage `pt`, `sft`, `rm`, `ppo`, `dpo`, `kto`
/// @param options by their names there; a null counts as not given
public record DataOptions(String stage, Map<String, ? extends @Nullable Object> options) {

    private static final Set<String> RANKED = Set.of("rm", "dpo");

    /// What is wrong, one sentence each.
    public List<String> problems() {
        List<String> problems = new ArrayList<>();
        checkKinds(problems);
        checkStreaming(problems);
        checkMixing(problems);
        checkStage(problems);
        return problems;
    }

    /// Why a dataset does not suit the stage, if it does not.
    public Optional<String> rankingProblem(String name, DatasetEntry entry) {
        if (RANKED.contains(stage) == entry.ranking()) {
            return Optional.empty();
        }
        return Optional.of(
                entry.ranking()
                        ? "%s holds pairs of answers; stage %s wants single ones"
                                .formatted(name, stage)
                        : "%s holds single answers; stage %s wants pairs: set ranking"
                                .formatted(name, stage));
    }

    private boolean on(String key) {
        return Boolean.TRUE.equals(options.get(key));
    }

    private Optional<Double> number(String key) {
        return options.get(key) instanceof Number number
                ? Optional.of(number.doubleValue())
                : Optional.empty();
    }

    private void checkKinds(List<String> problems) {
        for (String key : List.of("cutoff_len", "max_samples", "preprocessing_batch_size")) {
            Object value = options.get(key);
            if (value != null && (!(value instanceof Number) || number(key).orElse(0d) < 1)) {
                problems.add("%s is a number above 0, not %s".formatted(key, value));
            }
        }
        Object share = options.get("val_size");
        double size = number("val_size").orElse(share == null ? 0d : -1d);
        if (size < 0 || (size > 1 && size != Math.rint(size))) {
            problems.add("val_size is a share below 1 or a whole number of rows");
        }
        if (size > 0 && options.get("eval_dataset") != null) {
            problems.add("val_size and eval_dataset exclude each other");
        }
        Object template = options.get("template");
        if (template != null && NamedTemplates.find(template.toString()).isEmpty()) {
            problems.add("no template is called '%s'".formatted(template));
        }
        if (options.containsKey("dataset") && options.get("dataset") == null) {
            problems.add("training needs a dataset");
        }
    }

    private void checkStreaming(List<String> problems) {
        if (!on("streaming")) {
            return;
        }
        double size = number("val_size").orElse(0d);
        if (size > 0 && size < 1) {
            problems.add("a stream has no known length: give val_size as a number of rows");
        }
        if (options.get("max_samples") != null) {
            problems.add("max_samples and streaming exclude each other");
        }
        if (number("max_steps").orElse(0d) < 1) {
            problems.add("a stream has no known length: give max_steps");
        }
    }

    private void checkMixing(List<String> problems) {
        Object strategy = options.get("mix_strategy");
        String name = strategy == null ? "concat" : strategy.toString();
        if (Mixing.named(name).isEmpty()) {
            problems.add("mix_strategy '%s' is unknown".formatted(name));
        }
        Object shares = options.get("interleave_probs");
        if (shares == null) {
            return;
        }
        if (name.equals("concat")) {
            problems.add("interleave_probs needs an interleaving mix_strategy");
        }
        Object datasets = options.get("dataset");
        if (datasets != null
                && shares.toString().split(",").length != datasets.toString().split(",").length) {
            problems.add("interleave_probs has a share for each dataset");
        }
    }

    private void checkStage(List<String> problems) {
        boolean supervised = stage.equals("sft");
        for (String key :
                List.of(
                        "train_on_prompt",
                        "mask_history",
                        "neat_packing",
                        "predict_with_generate")) {
            if (!supervised && on(key)) {
                problems.add("%s belongs to supervised training, not to %s".formatted(key, stage));
            }
        }
        if (on("train_on_prompt") && on("mask_history")) {
            problems.add("train_on_prompt and mask_history exclude each other");
        }
        if (on("predict_with_generate") && on("compute_accuracy")) {
            problems.add("predict_with_generate and compute_accuracy exclude each other");
        }
        Object template = options.get("template");
        boolean lateEnd =
                template != null
                        && NamedTemplates.find(template.toString())
                                .filter(found -> found.ending().efficient())
                                .isPresent();
        if (on("train_on_prompt") && lateEnd) {
            problems.add(
                    "template %s writes the end token late, so train_on_prompt cannot be used"
                            .formatted(template));
        }
    }
}
