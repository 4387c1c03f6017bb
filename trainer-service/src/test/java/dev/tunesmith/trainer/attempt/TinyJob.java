package dev.tunesmith.trainer.attempt;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tunesmith.contracts.event.ChildCommand;
import dev.tunesmith.contracts.event.Control;
import dev.tunesmith.contracts.event.Manifest;
import dev.tunesmith.contracts.event.ManifestRef;
import dev.tunesmith.contracts.event.ModelSource;
import dev.tunesmith.contracts.event.ObjectRef;
import dev.tunesmith.contracts.event.ValidateTask;
import dev.tunesmith.contracts.fit.Recompute;
import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.id.TaskId;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.AdapterSpec.FrozenForm;
import dev.tunesmith.contracts.job.JobKind;
import dev.tunesmith.contracts.job.Overflow;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.ModelRole;
import dev.tunesmith.contracts.optim.Curve;
import dev.tunesmith.contracts.optim.OptimizerSpec;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.FreshWeights;
import dev.tunesmith.engine.text.ByteLevelTokenizer;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.platform.objects.ObjectStore.Stored;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// A job over a random Llama of a few thousand parameters, its inputs in an object store.
record TinyJob(ModelSource base, ObjectRef training) {

    static final long DEVICE_BYTES = 4L << 30;

    private static final TenantId TENANT = new TenantId(new UUID(1, 1));
    private static final JobId JOB = new JobId(new UUID(1, 2));
    private static final List<String> SPECIAL =
            List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>");

    /// Makes model and rows in `room` and stores them.
    static TinyJob store(ObjectStore objects, Path room) throws IOException {
        return store(objects, model(room), rows());
    }

    static TinyJob store(ObjectStore objects, Path model, String rows) throws IOException {
        return store(objects, model, objects.put("t/a/datasets/rows", rows.getBytes(UTF_8)));
    }

    static TinyJob store(ObjectStore objects, Path model, Stored rows) throws IOException {
        List<Manifest.Entry> entries = new ArrayList<>();
        try (Stream<Path> files = Files.list(model)) {
            for (Path file : files.sorted().toList()) {
                String name = file.getFileName().toString();
                Stored stored = objects.put("base/tiny/1/" + name, file);
                entries.add(
                        new Manifest.Entry(name, stored.key(), stored.bytes(), stored.sha256()));
            }
        }
        Manifest manifest = Manifest.ofModel(null, entries);
        Stored stored = objects.put("base/tiny/1/MANIFEST.json", Json.canonical(manifest));
        return new TinyJob(
                new ModelSource("tiny", new ManifestRef(stored.key(), stored.sha256())),
                new ObjectRef(rows.key(), rows.bytes(), rows.sha256()));
    }

    static Path model(Path room) throws IOException {
        String text = "user assistant What colour is the sky? It is blue.";
        return model(room, List.of(text), 290);
    }

    /// @param texts of which the vocabulary is made
    static Path model(Path room, List<String> texts, int vocabulary) throws IOException {
        return model(room, texts, vocabulary, 2, 32);
    }

    /// @param texts of which the vocabulary is made
    /// @param layers of that width
    static Path model(Path room, List<String> texts, int vocabulary, int layers, int width)
            throws IOException {
        Path model = Files.createDirectory(room.resolve("tiny"));
        ByteLevelTokenizer.write(
                model.resolve(ModelDirectory.TOKENIZER),
                ByteLevelTokenizer.train(texts, vocabulary, SPECIAL));
        Files.writeString(
                model.resolve(ModelDirectory.TOKENIZER_CONFIG), "{\"eos_token\": \"<|im_end|>\"}");
        Files.writeString(
                model.resolve(ModelDirectory.CONFIG),
                """
                {"architectures": ["LlamaForCausalLM"], "model_type": "llama",
                 "hidden_size": %d, "intermediate_size": %d, "num_hidden_layers": %d,
                 "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": %d,
                 "vocab_size": %d, "hidden_act": "silu", "max_position_embeddings": 256,
                 "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "tie_word_embeddings": true,
                 "torch_dtype": "float32"}
                """
                        .formatted(width, 2 * width, layers, width / 4, vocabulary));
        FreshWeights.write(model, 7);
        return model;
    }

    static String rows() {
        StringBuilder rows = new StringBuilder();
        for (int i = 0; i < 40; i++) {
            rows.append(
                    """
                    {"messages":[{"role":"user","content":"What colour is sky %d?"},\
                    {"role":"assistant","content":"It is blue %d."}]}
                    """
                            .formatted(i, i % 7));
        }
        return rows.toString();
    }

    static String pairs() {
        StringBuilder rows = new StringBuilder();
        for (int i = 0; i < 40; i++) {
            rows.append(
                    """
                    {"prompt":"What colour is sky %d?","chosen":"It is blue %d.","rejected":"No."}
                    """
                            .formatted(i, i % 7));
        }
        return rows.toString();
    }

    /// The same settings with another method, without dropout.
    static ResolvedSpec of(ResolvedSpec spec, Method method) {
        return spec.with(method.defaults())
                .with(
                        new AdapterSpec.Lora(
                                4, 8, 0, List.of("all-linear"), false, AdapterSpec.Export.ADAPTER));
    }

    /// The same settings beside quantised weights.
    static ResolvedSpec quantised(ResolvedSpec spec, FrozenForm frozen) {
        return spec.with(((AdapterSpec.Lora) spec.adapter()).withFrozen(frozen));
    }

    /// The same settings with rows of up to 1,024 tokens, packed, some of them held out.
    static ResolvedSpec packed(ResolvedSpec spec, double validationShare) {
        return spec.with(
                new ResolvedSpec.Rows(1024, true, Overflow.TRUNCATE, false, validationShare, 2, 1));
    }

    /// LoRA in fp32, four rows a step in two parts, a checkpoint every `saveSteps`.
    static ResolvedSpec spec(int steps, int saveSteps) {
        return spec(steps, saveSteps, AdapterSpec.Export.ADAPTER);
    }

    static ResolvedSpec spec(int steps, int saveSteps, AdapterSpec.Export export) {
        return new ResolvedSpec(
                1,
                JobKind.TRAIN,
                Method.SUPERVISED.defaults(),
                "tiny",
                new AdapterSpec.Lora(4, 8, 0.1, List.of("all-linear"), false, export),
                new ResolvedSpec.Rows(96, false, Overflow.TRUNCATE, false, 0.1, 4, 2),
                new ResolvedSpec.Steps(1_000, steps, steps, 1, saveSteps, 0),
                new ResolvedSpec.Optimizer(
                        5e-3, 1, Curve.COSINE, 0.1, null, 0, 1, OptimizerSpec.ADAMW),
                Precision.FP32,
                Recompute.NONE,
                42,
                Map.of());
    }

    /// The command that checks its rows for supervised training.
    ChildCommand.Validate check() {
        return check(Method.SUPERVISED, ValidateTask.Limits.USUAL);
    }

    ChildCommand.Validate check(Method method, ValidateTask.Limits limits) {
        return check(TENANT, null, method, null, limits);
    }

    /// @param owner the job that they are checked for
    ChildCommand.Validate check(
            TenantId tenant,
            @Nullable JobId owner,
            Method method,
            @Nullable ObjectRef validation,
            ValidateTask.Limits limits) {
        return new ChildCommand.Validate(
                new ValidateTask(
                        new TaskId(new UUID(3, 3)),
                        tenant,
                        owner,
                        null,
                        method,
                        training,
                        validation,
                        base,
                        limits));
    }

    /// The first command of a child.
    ChildCommand.Start start(ResolvedSpec spec, int epoch, Control.@Nullable Resume resume) {
        return start(spec, epoch, resume, Map.of());
    }

    /// The first command of a child that reads other models, too.
    ChildCommand.Start start(
            ResolvedSpec spec,
            int epoch,
            Control.@Nullable Resume resume,
            Map<ModelRole, Control.Companion> beside) {
        return new ChildCommand.Start(
                new Attempt(JOB, epoch, new UUID(2, epoch)),
                new Control.Work(
                        TENANT,
                        JOB,
                        spec,
                        base,
                        training,
                        null,
                        resume,
                        "t/%s/j/%s/".formatted(TENANT.wire(), JOB.wire()),
                        beside,
                        List.of()),
                DEVICE_BYTES);
    }
}
