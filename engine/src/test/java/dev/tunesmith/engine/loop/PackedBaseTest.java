package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.AdapterKind;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.SafetensorsFile;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.loop.LoopObserver.Stop;
import dev.tunesmith.engine.loop.subject.ModelFolder;
import dev.tunesmith.engine.loop.subject.SpecRefusedException;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.nn.Linear;
import dev.tunesmith.engine.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// An adapter trains beside codes as it trains beside the weights that the codes mean.
class PackedBaseTest {

    @TempDir Path folder;
    private TinyModel model;

    @BeforeEach
    void createModel() throws IOException {
        model = TinyModel.create(Files.createDirectory(folder.resolve("model")));
    }

    static Stream<Arguments> pairs() {
        return Stream.of(
                        PackedTinyModel.GPTQ,
                        PackedTinyModel.AWQ,
                        PackedTinyModel.HQQ,
                        PackedTinyModel.FP8)
                .flatMap(form ->
                        Stream.of(
                                        TinyModel.lora(0.1),
                                        TinyModel.variant(AdapterKind.DORA),
                                        TinyModel.variant(AdapterKind.VERA),
                                        TinyModel.tuner(AdapterKind.OFT, 8, "all-linear"),
                                        TinyModel.tuner(AdapterKind.IA3, 0, "k_proj", "down_proj"))
                                .map(adapter -> Arguments.of(form, adapter)));
    }

    @ParameterizedTest
    @MethodSource("pairs")
    void trainsBesideCodesAsBesideTheirValues(PackedTinyModel form, AdapterSpec adapter)
            throws IOException {
        ModelDirectory packed = form.write(plain(), folder.resolve("packed"));
        Map<String, float[]> beside = trained(adapter, packed, "packed");
        Map<String, float[]> dense = trained(adapter, decoded(packed), "dense");
        assertThat(beside.keySet()).isEqualTo(dense.keySet());
        beside.forEach((name, values) -> {
            float[] expected = Objects.requireNonNull(dense.get(name));
            for (int i = 0; i < values.length; i++) {
                assertThat(values[i]).as(name).isCloseTo(expected[i], within(2e-3f));
            }
        });
    }

    @ParameterizedTest
    @EnumSource(PackedTinyModel.class)
    void everyFormTrainsALora(PackedTinyModel form) throws IOException {
        ModelDirectory packed = form.write(plain(), folder.resolve("packed"));
        assertThat(trained(TinyModel.lora(0), packed, "run").values())
                .allSatisfy(values -> assertThat(values[0]).isFinite());
    }

    static Stream<Arguments> refused() {
        return Stream.of(
                Arguments.of(TinyModel.FULL, "have no gradient"),
                Arguments.of(TinyModel.part(AdapterKind.FREEZE, List.of(1), "all"), "no gradient"),
                Arguments.of(TinyModel.variant(AdapterKind.PISSA), "what is left of the weights"),
                Arguments.of(TinyModel.variant(AdapterKind.OLORA), "what is left of the weights"),
                Arguments.of(TinyModel.variant(AdapterKind.LOFTQ), "what quantisation has lost"),
                Arguments.of(TinyModel.qlora(), "leave out quantization"),
                Arguments.of(TinyModel.merged(), "export the adapter"));
    }

    @ParameterizedTest
    @MethodSource("refused")
    void refusesByNameWhatCodesCannotDo(AdapterSpec adapter, String why) throws IOException {
        ModelDirectory packed = PackedTinyModel.GPTQ.write(plain(), folder.resolve("packed"));
        assertThatThrownBy(() -> trained(adapter, packed, "run"))
                .isInstanceOf(SpecRefusedException.class)
                .hasMessageContaining("adapter " + adapter.kind().wire())
                .hasMessageContaining("stored as codes (gptq)")
                .hasMessageContaining(why);
    }

    private ModelDirectory plain() {
        return model.sources(Method.SUPERVISED).base();
    }

    private Map<String, float[]> trained(AdapterSpec adapter, ModelDirectory base, String name)
            throws IOException {
        ResolvedSpec spec = TinyModel.spec(Method.SUPERVISED, adapter, Precision.FP32);
        TrainingRun.Sources sources = model.sources(Method.SUPERVISED);
        Path room = Files.createDirectory(folder.resolve(name + "-room"));
        Path out = Files.createDirectory(folder.resolve(name + "-out"));
        var packed =
                new TrainingRun.Sources(
                        base,
                        sources.training(),
                        sources.validation(),
                        Map.of(),
                        Optional.empty(),
                        List.of());
        try (TrainingRun run = TrainingRun.prepare(spec, packed, room, TinyModel.BYTES)) {
            Recorder recorder =
                    new Recorder(step -> step >= 3 ? Stop.AFTER_SAVING : Stop.NO, _ -> {});
            Outcome _ = run.loop(run.start(), recorder).run();
            run.writeResult(out, run.start());
        }
        Map<String, float[]> values = new LinkedHashMap<>();
        try (SafetensorsFile file =
                SafetensorsFile.open(out.resolve("adapter_model.safetensors"))) {
            file.tensors().forEach(tensor -> values.put(tensor.name(), file.floats(tensor.name())));
        }
        return values;
    }

    /// The same model with the values of its codes as plain weights.
    private ModelDirectory decoded(ModelDirectory packed) throws IOException {
        Path out = Files.createDirectory(folder.resolve("decoded"));
        Map<String, Object> config = new LinkedHashMap<>(packed.config());
        config.remove("quantization_config");
        ModelFolder.writeAround(packed, config, out);
        SafetensorsWriter writer = new SafetensorsWriter(Map.of("format", "pt"));
        try (WeightFiles files = packed.openWeights();
                Decoder decoder = Decoder.load(packed, DType.F32, Decoder.Loading.MAPPED)) {
            for (Linear linear : decoder.linears()) {
                writer.add(
                        linear.name() + ".weight",
                        List.of(linear.weight().outputs(), linear.weight().inputs()),
                        linear.weight().values());
            }
            for (String name : files.names()) {
                if (name.endsWith("norm.weight") || name.contains("embed")) {
                    writer.add(
                            name,
                            files.tensor(name).type(),
                            files.tensor(name).shape(),
                            files.bytes(name));
                }
            }
            writer.write(out.resolve(ModelDirectory.WEIGHTS));
        }
        return ModelDirectory.open(out);
    }
}
