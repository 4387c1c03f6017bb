package dev.tunesmith.api.model;

import dev.tunesmith.api.tenant.Caller;
import dev.tunesmith.api.web.ApiException;
import dev.tunesmith.api.web.Limits;
import dev.tunesmith.contracts.event.Manifest;
import dev.tunesmith.contracts.event.ManifestRef;
import dev.tunesmith.contracts.fit.ModelFacts;
import dev.tunesmith.contracts.id.Ids;
import dev.tunesmith.contracts.id.ModelId;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.contracts.problem.Problems;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.json.JsonException;
import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.platform.objects.ObjectStore.Stored;
import jakarta.inject.Singleton;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/// Takes a model directory in Hugging Face layout from a tar stream.
///
/// Each file is checked and stored while it arrives; all problems are reported at once. Objects are
/// written first, then the manifest, then the row: whatever fails before, there is no model, and
/// what was stored is taken away again.
@Singleton
final class ModelImport {
    private static final int CONFIG_MAX = 16 << 20;
    private static final int PROBLEMS_MAX = 50;

    /// Of other files it matters only that they are JSON.
    private static final Set<String> READ_LATER =
            Set.of(AllowedName.CONFIG, AllowedName.SAMPLING, AllowedName.INDEX);

    private final ObjectStore objects;
    private final Models models;
    private final Limits limits;
    private final Ids ids;
    private final Clock clock;

    ModelImport(ObjectStore objects, Models models, Limits limits, Ids ids, Clock clock) {
        this.objects = objects;
        this.models = models;
        this.limits = limits;
        this.ids = ids;
        this.clock = clock;
    }

    /// What is asked for.
    ///
    /// @param platform whether it becomes a model of the platform
    record Order(String name, boolean platform) {}

    /// What one import has seen so far.
    private static final class Run {
        private final String prefix;
        private final Map<String, Stored> stored = new TreeMap<>();
        private final Map<String, Map<String, Object>> trees = new LinkedHashMap<>();
        private final Problems problems = new Problems(PROBLEMS_MAX);

        private Run(String prefix) {
            this.prefix = prefix;
        }

        private void refuse(String file, String message) {
            problems.add(Problem.of(ProblemCode.INVALID_MODEL_FILE, file, message));
        }

        private List<String> keys() {
            return stored.values().stream().map(Stored::key).toList();
        }
    }

    /// @throws ApiException with everything that is wrong with the directory
    /// @throws IOException when the client breaks off
    Model receive(Caller caller, Order order, InputStream tar) throws IOException {
        ModelId id = ids.nextModel();
        String prefix =
                order.platform()
                        ? "base/%s/%s/".formatted(order.name(), id.value())
                        : "t/%s/models/%s/".formatted(caller.tenant().value(), id.value());
        var run = new Run(prefix);
        boolean done = false;
        try {
            readAll(run, new TarReader(tar));
            ModelFacts facts = facts(run);
            checkWhole(run);
            if (!run.problems.none()) {
                throw ApiException.of(run.problems.kept());
            }
            Model model = model(caller, order, id, run, facts);
            done = models.add(caller, model);
            if (!done) {
                throw exists(order.name());
            }
            return model;
        } finally {
            if (!done) {
                var written = new ArrayList<>(run.keys());
                written.add(prefix + Manifest.FILE_NAME);
                objects.deleteAll(written);
            }
        }
    }

    static ApiException exists(String name) {
        return ApiException.of(
                ProblemCode.MODEL_EXISTS,
                "name",
                "There is a model '%s' already; choose another name or delete it first"
                        .formatted(name));
    }

    private void readAll(Run run, TarReader tar) throws IOException {
        try {
            for (Optional<TarReader.Entry> next = tar.next(); next.isPresent(); next = tar.next()) {
                TarReader.Entry entry = next.get();
                switch (AllowedName.check(entry.name(), entry.bytes())) {
                    case AllowedName.Verdict.Keep keep -> store(run, keep.name(), entry);
                    case AllowedName.Verdict.Refuse(Problem problem) -> run.problems.add(problem);
                    case AllowedName.Verdict.Skip() -> {}
                }
            }
        } catch (TarReader.DamagedException e) {
            run.refuse("body", String.valueOf(e.getMessage()));
        }
    }

    private void store(Run run, String name, TarReader.Entry entry) throws IOException {
        if (run.stored.containsKey(name)) {
            run.refuse(name, "comes twice");
            return;
        }
        String key = run.prefix + name;
        if (AllowedName.isWeights(name)) {
            storeWeights(run, name, entry);
        } else if (name.endsWith(".json") && entry.bytes() <= CONFIG_MAX) {
            byte[] content = entry.content().readAllBytes();
            tree(run, name, content);
            run.stored.put(name, objects.put(key, content));
        } else {
            run.stored.put(
                    name, objects.put(key, entry.content(), limits.modelImport().asLongValue()));
        }
    }

    private void storeWeights(Run run, String name, TarReader.Entry entry) throws IOException {
        try {
            byte[] header = SafetensorsHeader.read(entry.content(), entry.bytes());
            SafetensorsHeader.check(header, entry.bytes());
            InputStream whole =
                    new SequenceInputStream(new ByteArrayInputStream(header), entry.content());
            run.stored.put(
                    name,
                    objects.put(run.prefix + name, whole, limits.modelImport().asLongValue()));
        } catch (SafetensorsHeader.BrokenException e) {
            run.refuse(name, String.valueOf(e.getMessage()));
        }
    }

    private static void tree(Run run, String name, byte[] content) {
        try {
            Map<String, Object> tree = Json.tree(content);
            if (READ_LATER.contains(name)) {
                run.trees.put(name, tree);
            }
        } catch (JsonException e) {
            run.refuse(
                    name,
                    "is not a JSON object: %s (line %d, column %d)"
                            .formatted(e.getMessage(), e.line(), e.column()));
        }
    }

    /// The model's shape, or a stand-in next to the problem that prevents it.
    private static ModelFacts facts(Run run) {
        Map<String, Object> config = run.trees.get(AllowedName.CONFIG);
        if (config != null) {
            try {
                return ModelFacts.fromConfig(config);
            } catch (IllegalArgumentException e) {
                run.refuse(AllowedName.CONFIG, String.valueOf(e.getMessage()));
            }
        }
        return new ModelFacts("", 0, 0, 0, 0, 0, 0, 0, false, ModelFacts.Extras.NONE, 0, 0);
    }

    private static void checkWhole(Run run) {
        if (!run.stored.containsKey(AllowedName.CONFIG)) {
            run.refuse(AllowedName.CONFIG, "is missing");
        }
        if (run.stored.keySet().stream().noneMatch(AllowedName::isTokenizer)) {
            run.refuse(AllowedName.TOKENIZER, "is missing, and no other vocabulary is there");
        }
        List<String> weights = run.stored.keySet().stream().filter(AllowedName::isWeights).toList();
        if (weights.isEmpty() && run.problems.none()) {
            run.refuse("model.safetensors", "is missing: there are no weights");
        }
        Map<String, Object> index = run.trees.get(AllowedName.INDEX);
        if (index != null && index.get("weight_map") instanceof Map<?, ?> map) {
            map.values().stream()
                    .map(String::valueOf)
                    .distinct()
                    .filter(shard -> !run.stored.containsKey(shard))
                    .forEach(shard -> run.refuse(shard, "is in the index and not in the archive"));
        }
    }

    private Model model(Caller caller, Order order, ModelId id, Run run, ModelFacts facts) {
        List<Manifest.Entry> entries =
                run.stored.entrySet().stream()
                        .map(file ->
                                new Manifest.Entry(
                                        file.getKey(),
                                        file.getValue().key(),
                                        file.getValue().bytes(),
                                        file.getValue().sha256()))
                        .toList();
        Manifest manifest = Manifest.ofModel(order.platform() ? null : caller.tenant(), entries);
        Stored stored = objects.put(run.prefix + Manifest.FILE_NAME, Json.bytes(manifest));
        return new Model(
                id,
                order.name(),
                Model.Kind.BASE,
                order.platform(),
                new Model.Weights(new ManifestRef(stored.key(), stored.sha256()), manifest.bytes()),
                Model.Lineage.IMPORTED,
                Json.treeOf(facts),
                run.trees.getOrDefault(AllowedName.SAMPLING, Map.of()),
                clock.instant());
    }
}
