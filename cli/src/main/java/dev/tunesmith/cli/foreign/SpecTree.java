package dev.tunesmith.cli.foreign;

import dev.tunesmith.contracts.method.AdapterKind;
import dev.tunesmith.contracts.method.Method;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// A create body that grows by dotted paths. Besides its own keys it knows `method` for the type of
/// the method, `hyperparameters` for those of that method, `grader` for the reward model that
/// scores answers, `continued` for the adapter that training goes on with, `reference_adapter` for
/// the one that makes the reference, `sft_weight` for the share of the cross-entropy of chosen
/// answers, `bco_weight` for that of BCO, and `integrations` by their type.
final class SpecTree {
    private static final List<String> ORDER =
            List.of(
                    "spec_version",
                    "model",
                    "training_file",
                    "validation_file",
                    "suffix",
                    "seed",
                    "method",
                    "x_training",
                    "integrations");

    /// What methods have that draw answers.
    private static final Set<String> OF_DRAWN =
            Set.of(
                    "max_completion_length",
                    "temperature",
                    "top_p",
                    "top_k",
                    "kl_coef",
                    "num_generations",
                    "num_iterations",
                    "epsilon",
                    "epsilon_high",
                    "delta",
                    "scale_rewards",
                    "mask_truncated_completions",
                    "importance_sampling_level");

    private static final Set<String> OF_PPO =
            Set.of("ppo_epochs", "score_norm", "whiten_rewards", "kl_target");

    /// What a job may say of its adapter when it goes on with one.
    private static final Set<String> OF_EVERY_JOB = Set.of("dropout", "export");

    private static final String LOSSES = "x_training.loss_type";

    private final Map<String, Object> tree = new LinkedHashMap<>();

    /// Sets the value of a path. A word that gets numbers of its own becomes their `type`.
    void put(String path, Object value) {
        String[] names = path.split("\\.", -1);
        Map<String, Object> node = tree;
        for (int i = 0; i < names.length - 1; i++) {
            node = below(node, names[i]);
        }
        node.put(names[names.length - 1], value);
    }

    /// Adds to the list of a path.
    void append(String path, List<?> values) {
        var all = new ArrayList<Object>(get(path) instanceof List<?> before ? before : List.of());
        values.stream().filter(value -> !all.contains(value)).forEach(all::add);
        put(path, all);
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> below(Map<String, Object> node, String name) {
        Object there = node.get(name);
        if (there instanceof Map<?, ?> map) {
            return (Map<String, Object>) map;
        }
        var map = new LinkedHashMap<String, Object>();
        if (there != null) {
            map.put("type", there);
        }
        node.put(name, map);
        return map;
    }

    @Nullable Object get(String path) {
        Object node = tree;
        for (String name : path.split("\\.", -1)) {
            node = node instanceof Map<?, ?> map ? map.get(name) : null;
        }
        return node;
    }

    boolean has(String path) {
        return get(path) != null;
    }

    void remove(String path) {
        int dot = path.lastIndexOf('.');
        Object node = dot < 0 ? tree : get(path.substring(0, dot));
        if (node instanceof Map<?, ?> map) {
            map.remove(path.substring(dot + 1));
        }
    }

    /// Why a path cannot be had beside what else was said; empty if it can.
    String contradicted(String path) {
        if (path.equals("sft_weight") && method() != Method.DPO) {
            return "method dpo; %s cannot mix the loss of chosen answers in"
                    .formatted(method().wire());
        }
        if (path.equals("bco_weight") && method() != Method.DPO) {
            return "method dpo; %s cannot mix BCO in".formatted(method().wire());
        }
        if (path.equals("x_training.simpo_gamma") && method() == Method.DPO) {
            return "hyperparameters: {beta: …} of method dpo";
        }
        return "";
    }

    /// Why a path has no meaning beside what else was said; empty if it has one.
    String misplaced(String path) {
        String key = path.substring(path.indexOf('.') + 1);
        if (has("continued")) {
            if (path.equals("model")) {
                return "the base of the adapter that training goes on with";
            }
            if (path.equals("x_training.adapter")
                    || (ofAdapter(path, key) && !OF_EVERY_JOB.contains(key))) {
                return "the adapter that training goes on with says it";
            }
        }
        AdapterKind adapter = adapter();
        if (ofAdapter(path, key) && !adapter.keys().contains(key)) {
            return "adapter %s has no %s".formatted(adapter.wire(), key);
        }
        if (path.startsWith("x_training.optimizer.") && !has("x_training.optimizer.type")) {
            return "belongs to an optimizer that is not wanted";
        }
        String reference = ofReference(path);
        return reference.isEmpty() ? ofAnotherMethod(path, key) : reference;
    }

    /// Why a reference is not the job's; empty if it is, or if the path is another.
    private String ofReference(String path) {
        boolean base = path.equals("x_training.reference");
        if (!base && !path.equals("reference_adapter")) {
            return "";
        }
        boolean compared =
                method() == Method.SUPERVISED
                        ? "asft".equals(get(LOSSES))
                        : method().defaults().needsReference() || has("x_training.kl_coef");
        if (!compared) {
            return "method %s is compared with no reference".formatted(method().wire());
        }
        if (base && has("reference_adapter")) {
            return "the base of the adapter that is the reference";
        }
        return base && Objects.equals(get(path), get("model"))
                ? "the model in training, which is the reference as it is before training"
                : "";
    }

    private static boolean ofAdapter(String path, String key) {
        return path.startsWith("x_training.") && AdapterKind.KEYS.contains(key);
    }

    private String ofAnotherMethod(String path, String key) {
        Method method = method();
        boolean draws = method.rowKind() == Method.RowKind.PROMPT;
        if (path.equals("x_training.packing")
                && method.rowKind() != Method.RowKind.CONVERSATION
                && method.rowKind() != Method.RowKind.DOCUMENT) {
            return "method %s batches its rows without padding already".formatted(method.wire());
        }
        if (path.equals("hyperparameters.beta")
                && !method.defaults().hyperparameters().containsKey(key)) {
            return "method %s has no beta".formatted(method.wire());
        }
        if (!draws && (path.equals("grader") || OF_DRAWN.contains(key))) {
            return "method %s draws no answers".formatted(method.wire());
        }
        return method != Method.PPO && OF_PPO.contains(key)
                ? "method %s has no %s".formatted(method.wire(), key)
                : "";
    }

    private AdapterKind adapter() {
        return get("x_training.adapter") instanceof String wire
                ? AdapterKind.of(wire)
                : AdapterKind.LORA;
    }

    private Method method() {
        return get("method") instanceof String wire ? Method.of(wire) : Method.SUPERVISED;
    }

    /// The create body, in the order in which a person reads it.
    Map<String, Object> body() {
        if (has("x_training.scheduler.min_ratio")
                && "cosine".equals(get("x_training.scheduler.type"))) {
            put("x_training.scheduler.type", "cosine_with_min_lr");
        }
        if (tree.get("continued") instanceof String adapter) {
            put("model", adapter);
        }
        if (tree.get("reference_adapter") instanceof String adapter) {
            put("x_training.reference", adapter);
        }
        mixLosses();
        var body = new LinkedHashMap<String, Object>();
        for (String key : ORDER) {
            Object value = tree.get(key);
            switch (key) {
                case "spec_version" -> body.put(key, 1);
                case "method" -> body.put(key, methodOf(value));
                case "integrations" -> {
                    List<Object> list = integrations(value);
                    if (!list.isEmpty()) {
                        body.put(key, list);
                    }
                }
                default -> {
                    if (value != null && !(value instanceof Map<?, ?> map && map.isEmpty())) {
                        body.put(key, value);
                    }
                }
            }
        }
        return body;
    }

    /// LLaMA-Factory divides what BCO is mixed with by the sum of both weights, and cross-entropy
    /// by nothing.
    private void mixLosses() {
        Object bco = tree.get("bco_weight");
        Object sft = tree.get("sft_weight");
        if (bco == null && sft == null) {
            return;
        }
        var losses =
                new ArrayList<Object>(get(LOSSES) instanceof List<?> l ? l : List.of("sigmoid"));
        var weights = new ArrayList<Object>();
        double share = bco instanceof Number number ? number.doubleValue() : 0;
        weights.add(bco == null ? (Object) 1 : 1 / (1 + share));
        if (bco != null) {
            losses.add("bco_pair_delta");
            weights.add(share / (1 + share));
        }
        if (sft != null) {
            losses.add("sft");
            weights.add(sft);
        }
        put(LOSSES, List.copyOf(losses));
        put("x_training.loss_weights", List.copyOf(weights));
    }

    private Map<String, Object> methodOf(@Nullable Object type) {
        var method = new LinkedHashMap<String, Object>();
        String wire = type == null ? Method.SUPERVISED.wire() : type.toString();
        method.put("type", wire);
        var own = new LinkedHashMap<String, Object>();
        if (tree.get("hyperparameters") instanceof Map<?, ?> numbers && !numbers.isEmpty()) {
            own.put("hyperparameters", numbers);
        }
        if (tree.get("grader") instanceof String model) {
            var grader = new LinkedHashMap<String, Object>();
            grader.put("type", "reward_model");
            grader.put("model", model);
            own.put("grader", grader);
        }
        if (!own.isEmpty()) {
            method.put(wire, own);
        }
        return method;
    }

    /// Those that name a project.
    private static List<Object> integrations(@Nullable Object byType) {
        var list = new ArrayList<Object>();
        if (byType instanceof Map<?, ?> map) {
            map.forEach((type, settings) -> {
                if (settings instanceof Map<?, ?> named && named.containsKey("project")) {
                    var integration = new LinkedHashMap<String, Object>();
                    integration.put("type", type);
                    integration.put(type.toString(), settings);
                    list.add(integration);
                }
            });
        }
        return list;
    }
}
