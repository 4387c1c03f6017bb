package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.care.Care;
import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.AdapterKind;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.engine.io.FileCopies;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.loop.LoopObserver.Stop;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Checkpoints that are written from copies, steps after they were taken.
class CopiedCheckpointTest {

    @TempDir Path folder;
    private TinyModel model;

    @BeforeEach
    void createModel() throws IOException {
        model = TinyModel.create(Files.createDirectory(folder.resolve("model")));
    }

    static Stream<AdapterSpec> adapters() {
        return Stream.of(
                TinyModel.FULL,
                TinyModel.lora(0.1),
                TinyModel.qlora(),
                TinyModel.variant(AdapterKind.PISSA),
                TinyModel.part(AdapterKind.FREEZE, List.of(1), "all"));
    }

    @ParameterizedTest
    @MethodSource("adapters")
    void holdTheBytesOfTheirStep(AdapterSpec adapter) throws IOException {
        ResolvedSpec plain = TinyModel.spec(Method.SUPERVISED, adapter, Precision.BF16);
        ResolvedSpec spec = TinyModel.with(plain, Care.of(Map.of("ema_decay", 0.5)));
        Path room = Files.createDirectory(folder.resolve("room"));
        try (TrainingRun run =
                        TrainingRun.prepare(
                                spec, model.sources(spec.method()), room, TinyModel.BYTES);
                FileCopies copies = run.copies()) {
            var recorder =
                    new Recorder(
                            step -> {
                                if (step == 6 || step == 10) {
                                    finish(copies);
                                }
                                return Stop.NO;
                            },
                            state -> {
                                write(run, state, "written", SafetensorsWriter.Target.AT_ONCE);
                                write(run, state, "copied", copies);
                            });
            Outcome _ = run.loop(run.start(), recorder).run();
        }
        for (int step : new int[] {4, 8}) {
            Path written = folder.resolve("written" + step);
            try (Stream<Path> files = Files.list(written)) {
                for (Path file : files.toList()) {
                    Path copied = folder.resolve("copied" + step).resolve(file.getFileName());
                    assertThat(Files.mismatch(file, copied)).as("%s", file).isEqualTo(-1);
                }
            }
        }
    }

    private void write(
            TrainingRun run, LoopState state, String name, SafetensorsWriter.Target target) {
        try {
            Path at = Files.createDirectory(folder.resolve(name + state.step()));
            run.writeCheckpoint(at, state, target);
            boolean there = Files.exists(at.resolve(CheckpointFolder.TENSORS));
            assertThat(there).isEqualTo(!(target instanceof FileCopies));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void finish(FileCopies copies) {
        try {
            copies.finish();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void whatHasNoRoomIsWrittenAtOnce() throws IOException {
        ResolvedSpec spec = TinyModel.spec(Method.SUPERVISED, TinyModel.FULL, Precision.BF16);
        Path room = Files.createDirectory(folder.resolve("room"));
        Path at = Files.createDirectory(folder.resolve("at"));
        try (TrainingRun run =
                        TrainingRun.prepare(
                                spec, model.sources(spec.method()), room, TinyModel.BYTES);
                FileCopies copies = new FileCopies(100_000)) {
            run.writeCheckpoint(at, run.start(), copies);
            // The weights have room, and the optimizer's states have none.
            assertThat(copies.held()).isBetween(1L, 100_000L);
            assertThat(at.resolve(CheckpointFolder.TENSORS)).exists();
            assertThat(at.resolve("model.safetensors")).doesNotExist();
            copies.finish();
            assertThat(at.resolve("model.safetensors")).exists();
        }
    }
}
