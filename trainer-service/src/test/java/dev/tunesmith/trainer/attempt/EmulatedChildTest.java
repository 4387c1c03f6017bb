package dev.tunesmith.trainer.attempt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.contracts.event.ChildReport;
import dev.tunesmith.contracts.event.Control;
import dev.tunesmith.contracts.event.ExitCode;
import dev.tunesmith.contracts.event.Manifest;
import dev.tunesmith.contracts.event.ManifestRef;
import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.AdapterSpec.FrozenForm;
import dev.tunesmith.contracts.job.AdapterSpec.Quantization;
import dev.tunesmith.contracts.job.ErrorClass;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.objects.DirectoryObjects;
import dev.tunesmith.trainer.attempt.RunningChild.Settings;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Real child processes that compute on the emulated GPU. Touching a device's tensor from Java ends
/// the child.
class EmulatedChildTest {
    private static final int STEPS = 4;
    private static final int SAVE_STEPS = 2;

    @TempDir Path folder;
    private DirectoryObjects objects;
    private TinyJob job;
    private int children;

    @BeforeEach
    void storeInputs() throws Exception {
        objects = new DirectoryObjects(folder.resolve("store"));
        job = TinyJob.store(objects, folder);
    }

    private RunningChild start(
            ResolvedSpec spec, Control.@Nullable Resume resume, Map<String, String> environment)
            throws Exception {
        int number = ++children;
        return RunningChild.start(
                folder.resolve("work" + number),
                Settings.folder(folder.resolve("store")),
                job.start(spec, number, resume),
                environment);
    }

    private Map<String, String> onDevice() throws Exception {
        return EmulatedGpu.chosen("cuda:0", folder.resolve("libraries"));
    }

    /// The evaluation before and after, the checkpoint in the middle and the result.
    @Test
    void aJobEndsAsOnTheCpuAndGoesOnFromItsCheckpoint() throws Exception {
        ResolvedSpec spec = TinyJob.spec(STEPS, SAVE_STEPS);
        Map<String, Double> onCpu;
        try (RunningChild child = start(spec, null, Map.of())) {
            assertThat(child.exit()).isEqualTo(ExitCode.FINISHED);
            onCpu = child.last(ChildReport.Result.class).metrics();
        }
        Manifest straight;
        ChildReport.Checkpoint checkpoint;
        try (RunningChild child = start(spec, null, onDevice())) {
            assertThat(child.exit()).isEqualTo(ExitCode.FINISHED);
            ChildReport.Started started = child.last(ChildReport.Started.class);
            assertThat(started.device()).isEqualTo("cuda:0 (emulated on the CPU)");
            assertThat(started.versions()).containsEntry("device", started.device());
            ChildReport.Result result = child.last(ChildReport.Result.class);
            assertThat(result.metrics().get("valid_loss"))
                    .isCloseTo(onCpu.get("valid_loss"), within(2e-4));
            straight = manifest(result.manifest());
            checkpoint = child.last(ChildReport.Checkpoint.class);
            assertThat(checkpoint.step()).isEqualTo(SAVE_STEPS);
        }
        var resume = new Control.Resume(checkpoint.step(), checkpoint.manifest());
        try (RunningChild child = start(spec, resume, onDevice())) {
            assertThat(child.exit()).isEqualTo(ExitCode.FINISHED);
            Manifest resumed = manifest(child.last(ChildReport.Result.class).manifest());
            assertThat(hashes(resumed)).isEqualTo(hashes(straight));
        }
    }

    @Test
    @Tag("devices")
    void quantisedWeightsAndAMergedResult() throws Exception {
        var frozen = new FrozenForm(Quantization.NF4, true);
        ResolvedSpec quantised = TinyJob.quantised(TinyJob.spec(2, 0), frozen);
        try (RunningChild child = start(quantised, null, onDevice())) {
            assertThat(child.exit()).isEqualTo(ExitCode.FINISHED);
        }
        ResolvedSpec merged = TinyJob.spec(2, 0, AdapterSpec.Export.MERGED);
        try (RunningChild child = start(merged, null, onDevice())) {
            assertThat(child.exit()).isEqualTo(ExitCode.FINISHED);
            Manifest result = manifest(child.last(ChildReport.Result.class).manifest());
            assertThat(hashes(result)).containsKey("model.safetensors");
        }
    }

    @Test
    void aDeviceThatIsGoneIsNoFaultOfTheJob() throws Exception {
        Map<String, String> environment = EmulatedGpu.chosen("cuda:1", folder.resolve("libraries"));
        try (RunningChild child = start(TinyJob.spec(2, 0), null, environment)) {
            assertThat(child.exit()).isEqualTo(ExitCode.STORAGE);
            ChildReport.Failed failed = child.last(ChildReport.Failed.class);
            assertThat(failed.errorClass()).isEqualTo(ErrorClass.INFRA);
            assertThat(failed.message()).contains("there is no device cuda:1");
        }
    }

    private Manifest manifest(ManifestRef ref) {
        return Json.read(objects.get(ref.key(), 1 << 20), Manifest.class);
    }

    private static Map<String, String> hashes(Manifest manifest) {
        return manifest.objects().stream()
                .collect(Collectors.toMap(Manifest.Entry::name, Manifest.Entry::sha256));
    }
}
