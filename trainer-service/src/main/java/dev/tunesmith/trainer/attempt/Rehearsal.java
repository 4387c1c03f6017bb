package dev.tunesmith.trainer.attempt;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tunesmith.contracts.event.ChildCommand;
import dev.tunesmith.contracts.event.Control;
import dev.tunesmith.contracts.event.Manifest;
import dev.tunesmith.contracts.event.ManifestRef;
import dev.tunesmith.contracts.event.ModelSource;
import dev.tunesmith.contracts.event.ObjectRef;
import dev.tunesmith.contracts.fit.Recompute;
import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.JobKind;
import dev.tunesmith.contracts.job.Overflow;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.optim.Curve;
import dev.tunesmith.contracts.optim.OptimizerSpec;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.objects.DirectoryObjects;
import dev.tunesmith.platform.objects.LocalCopies;
import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.platform.objects.ObjectStore.Stored;
import dev.tunesmith.platform.objects.ObjectStoreException;
import dev.tunesmith.platform.objects.S3Objects;
import dev.tunesmith.trainer.tracker.TrackerSettings;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;

/// A whole attempt of two steps without a platform. It loads what every attempt loads, so that the
/// virtual machine can write those classes to a file that children start from
/// (`-XX:AOTCacheOutput`).
///
/// `Rehearsal MODEL ROWS.jsonl`
public final class Rehearsal {
    private static final int ROWS = 16;
    private static final int STEPS = 2;
    private static final int ANSWERS = 8;
    private static final long DEVICE_BYTES = 4L << 30;

    private Rehearsal() {}

    /// See the class; ends with the status of the attempt.
    public static void main(String[] arguments) throws IOException {
        Path folder = Files.createTempDirectory("tunesmith-rehearsal");
        int status;
        try (ParentLink nobody =
                new ParentLink(new PrintStream(OutputStream.nullOutputStream()), () -> 0)) {
            status = run(Path.of(arguments[0]), Path.of(arguments[1]), folder, nobody);
            askNobody();
        } finally {
            LocalCopies.deleteTree(folder);
        }
        // The HTTP client's threads wait for a minute whether they are needed again.
        System.exit(status);
    }

    static int run(Path model, Path rows, Path folder, ParentLink parent) throws IOException {
        Path stored = Files.createDirectory(folder.resolve("objects"));
        StringBuilder commands = new StringBuilder();
        commands.append(Json.text(start(new DirectoryObjects(stored), model, rows))).append('\n');
        for (int n = 1; n <= ANSWERS; n++) {
            commands.append(Json.text(new ChildCommand.Committed(n))).append('\n');
        }
        var settings =
                new ChildSettings(
                        new ChildSettings.Objects(
                                stored.toUri().toString(), "none", "none", "none", "none"),
                        folder.resolve("work"),
                        "cpu",
                        Duration.ofSeconds(1),
                        Long.MAX_VALUE,
                        TrackerSettings.read(_ -> Optional.empty()));
        return new ChildWork(settings, parent)
                .run(new ByteArrayInputStream(commands.toString().getBytes(UTF_8)), () -> {});
    }

    private static ChildCommand.Start start(ObjectStore objects, Path model, Path rows)
            throws IOException {
        List<Manifest.Entry> entries = new ArrayList<>();
        try (Stream<Path> files = Files.list(model)) {
            for (Path file : files.sorted().toList()) {
                String name = file.getFileName().toString();
                Stored stored = objects.put("base/rehearsed/1/" + name, file);
                entries.add(
                        new Manifest.Entry(name, stored.key(), stored.bytes(), stored.sha256()));
            }
        }
        Stored manifest =
                objects.put(
                        "base/rehearsed/1/MANIFEST.json",
                        Json.canonical(Manifest.ofModel(null, entries)));
        String few;
        try (Stream<String> lines = Files.lines(rows)) {
            few = String.join("\n", lines.limit(ROWS).toList());
        }
        Stored file = objects.put("t/a/datasets/rows", few.getBytes(UTF_8));
        var tenant = new TenantId(new UUID(0, 1));
        var job = new JobId(new UUID(0, 2));
        return new ChildCommand.Start(
                new Attempt(job, 1, new UUID(0, 3)),
                new Control.Work(
                        tenant,
                        job,
                        spec(),
                        new ModelSource(
                                "rehearsed", new ManifestRef(manifest.key(), manifest.sha256())),
                        new ObjectRef(file.key(), file.bytes(), file.sha256()),
                        null,
                        null,
                        "t/%s/j/%s/".formatted(tenant.wire(), job.wire())),
                DEVICE_BYTES);
    }

    private static ResolvedSpec spec() {
        return new ResolvedSpec(
                1,
                JobKind.TRAIN,
                Method.SUPERVISED.defaults(),
                "rehearsed",
                new AdapterSpec.Lora(
                        4, 8, 0, List.of("all-linear"), false, AdapterSpec.Export.ADAPTER),
                new ResolvedSpec.Rows(256, false, Overflow.TRUNCATE, false, 0, 4, 2),
                new ResolvedSpec.Steps(1, STEPS, STEPS, 0, 0, 0),
                new ResolvedSpec.Optimizer(
                        1e-4, 0, Curve.COSINE, 0, null, 0, 1, OptimizerSpec.ADAMW),
                Precision.BF16,
                Recompute.NONE,
                1,
                Map.of());
    }

    /// The way to the object store of a platform, where no store is.
    private static void askNobody() {
        var nowhere =
                new ObjectStore.Credentials(
                        "http://127.0.0.1:9", "none", "us-east-1", "none", "nothing-secret");
        try {
            S3Objects.open(nowhere).head("none");
        } catch (ObjectStoreException _) {
            // As expected.
        }
    }
}
