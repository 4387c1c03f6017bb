package dev.tunesmith.trainer.attempt;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.event.ChildCommand;
import dev.tunesmith.contracts.event.ChildReport;
import dev.tunesmith.contracts.event.ExitCode;
import dev.tunesmith.contracts.event.Manifest;
import dev.tunesmith.contracts.event.ManifestRef;
import dev.tunesmith.contracts.event.ModelSource;
import dev.tunesmith.contracts.fit.Depth;
import dev.tunesmith.contracts.fit.MemoryPlan;
import dev.tunesmith.contracts.fit.ModelFacts;
import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.job.Resolver;
import dev.tunesmith.engine.decode.Rollouts;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.objects.DirectoryObjects;
import dev.tunesmith.trainer.attempt.RunningChild.Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A model gets routers by one job, and another one goes on with them.
class RoutedChildTest {

    private static final String CONFIG = "config.json";
    private static final long BYTES_MAX = 1 << 20;

    @TempDir Path folder;

    @Test
    void aConvertedModelIsCheckedPlannedAndTrainedOn() throws Exception {
        var objects = new DirectoryObjects(folder.resolve("store"));
        TinyJob dense = TinyJob.store(objects, folder);
        ResolvedSpec convert = spec(Map.of("mixture_of_depths", "convert", "depth_capacity", 0.25));
        ManifestRef converted = result(dense.start(convert, 1, null));
        assertThat(config(objects, converted))
                .contains("\"mixture_of_depths\"", "\"capacity\" : 0.25");

        TinyJob routed = new TinyJob(new ModelSource("routed", converted), dense.training());
        ChildReport.Validated checked = checked(routed);
        ModelFacts facts = Objects.requireNonNull(checked.model());
        assertThat(facts.routers()).isEqualTo(new ModelFacts.Routers(2, 0.25));
        ResolvedSpec load = spec(Map.of("mixture_of_depths", "load"));
        assertThat(
                        MemoryPlan.of(facts, Resolver.workload(load, checked.training()))
                                .section("activations"))
                .isEqualTo(
                        MemoryPlan.of(facts, Resolver.workload(convert, checked.training()))
                                .section("activations"));

        ManifestRef again = result(routed.start(load, 2, null));
        assertThat(config(objects, again)).isEqualTo(config(objects, converted));
        assertThat(answered(folderOf(objects, converted, "first")))
                .isNotEmpty()
                .isEqualTo(answered(folderOf(objects, converted, "first-again")));
        assertThat(answered(folderOf(objects, again, "second"))).isNotEmpty();
    }

    /// The files of a result, as a service that answers fetches them.
    private Path folderOf(DirectoryObjects objects, ManifestRef result, String name)
            throws IOException {
        Manifest manifest = Json.read(objects.get(result.key(), BYTES_MAX), Manifest.class);
        Path model = Files.createDirectory(folder.resolve(name));
        for (Manifest.Entry entry : manifest.objects()) {
            Files.write(model.resolve(entry.name()), objects.get(entry.key(), 16 * BYTES_MAX));
        }
        return model;
    }

    /// What the model says at its most probable, by the decoder that serves; its routers judge each
    /// token alone.
    private static List<Integer> answered(Path model) {
        var options = new Rollouts.Options(12, 0, 1, 0, Set.of());
        try (Decoder decoder =
                        Decoder.load(
                                ModelDirectory.open(model), DType.F32, Decoder.Loading.MAPPED);
                StepArena arena = StepArena.unlimited()) {
            assertThat(decoder.depths().on()).isTrue();
            int[] prompt = {5, 6, 7, 8};
            return Arrays.stream(
                            Rollouts.draw(decoder, arena, List.of(prompt), new long[] {1}, options)
                                    .getFirst()
                                    .tokens())
                    .boxed()
                    .toList();
        }
    }

    private static ResolvedSpec spec(Map<String, Object> depth) {
        ResolvedSpec plain = TinyJob.spec(4, 2);
        return plain.with(new AdapterSpec.None()).with(plain.rows().with(0, null, Depth.of(depth)));
    }

    private ManifestRef result(ChildCommand.Start start) throws Exception {
        try (RunningChild child = start(start)) {
            assertThat(child.exit()).isEqualTo(ExitCode.FINISHED);
            return child.last(ChildReport.Result.class).manifest();
        }
    }

    private ChildReport.Validated checked(TinyJob job) throws Exception {
        try (RunningChild child = start(job.check())) {
            assertThat(child.exit()).isEqualTo(ExitCode.FINISHED);
            return child.last(ChildReport.Validated.class);
        }
    }

    private RunningChild start(ChildCommand command) throws IOException {
        return RunningChild.start(
                folder.resolve("work"), Settings.folder(folder.resolve("store")), command);
    }

    private static String config(DirectoryObjects objects, ManifestRef result) {
        Manifest manifest = Json.read(objects.get(result.key(), BYTES_MAX), Manifest.class);
        return new String(
                objects.get(manifest.find(CONFIG).orElseThrow().key(), BYTES_MAX),
                java.nio.charset.StandardCharsets.UTF_8);
    }
}
