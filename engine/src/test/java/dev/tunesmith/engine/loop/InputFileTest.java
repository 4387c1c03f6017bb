package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.contracts.fit.Recompute;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.engine.loop.LoopObserver.Stop;
import dev.tunesmith.engine.tape.InputFile;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Inputs of blocks that wait in a file come back as they were.
class InputFileTest {
    @TempDir Path folder;

    @ParameterizedTest
    @EnumSource(names = {"SUPERVISED", "DPO", "PPO"})
    void aRunEndsWithTheSameBits(Method method) throws IOException {
        TinyModel model = TinyModel.create(Files.createDirectory(folder.resolve("model")));
        byte[] kept = train(model, method, Recompute.BLOCK);
        assertThat(train(model, method, Recompute.OFFLOAD)).isEqualTo(kept);
        assertThat(train(model, method, Recompute.NONE)).isEqualTo(kept);
    }

    /// The bytes of the adapter in the end.
    private byte[] train(TinyModel model, Method method, Recompute recompute) throws IOException {
        ResolvedSpec spec = TinyModel.spec(method, TinyModel.lora(0.1), Precision.BF16);
        Path out = Files.createDirectory(folder.resolve(recompute.wire()));
        Path room = Files.createDirectory(folder.resolve(recompute.wire() + "-room"));
        try (TrainingRun run =
                TrainingRun.prepare(
                        spec.with(recompute), model.sources(method), room, TinyModel.BYTES)) {
            Recorder recorder = new Recorder(_ -> Stop.NO, _ -> {});
            Outcome outcome = run.loop(run.start(), recorder).run();
            run.writeResult(out, ((Outcome.Finished) outcome).state());
        }
        assertThat(inputs(room)).as("deleted with the run").isEmpty();
        return Files.readAllBytes(out.resolve("adapter_model.safetensors"));
    }

    private static List<Path> inputs(Path room) throws IOException {
        try (var files = Files.list(room)) {
            return files.filter(file -> file.getFileName().toString().startsWith("inputs"))
                    .toList();
        }
    }

    @Test
    void neverOverwritesAFile() throws IOException {
        Path there = Files.createFile(folder.resolve("there"));
        assertThatThrownBy(() -> new InputFile(there))
                .isInstanceOf(FileAlreadyExistsException.class);
    }
}
