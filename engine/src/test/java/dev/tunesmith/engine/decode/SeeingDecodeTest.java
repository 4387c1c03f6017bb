package dev.tunesmith.engine.decode;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.engine.data.Pictures;
import dev.tunesmith.engine.data.Pictures.Grid;
import dev.tunesmith.engine.decode.CausalModel.Chunk;
import dev.tunesmith.engine.decode.CausalModel.Wanted;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.SafetensorsFile;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.tensor.DType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/// A conversation with a picture is continued as the reference does, beside others.
class SeeingDecodeTest {

    private static final Path GOLDEN =
            Path.of("src/test/resources/golden/families").resolve("qwen2_vl");

    @Test
    void aPictureIsSeenBesideTextOfOthers() {
        try (SafetensorsFile batch = SafetensorsFile.open(GOLDEN.resolve("batch.safetensors"));
                SafetensorsFile golden =
                        SafetensorsFile.open(GOLDEN.resolve("generation.safetensors"));
                Decoder decoder =
                        Decoder.load(
                                ModelDirectory.open(GOLDEN.resolve("model")),
                                DType.F32,
                                Decoder.Loading.RESIDENT);
                CacheRoom room = new CacheRoom(decoder, 512)) {
            DecoderModel model = new DecoderModel(decoder, room);
            int[] prompt = ints(golden.integers("prompt_ids"));
            int[] expected = ints(golden.integers("generated_ids"));
            // The other one holds the placeholder too, as text.
            int image = decoder.architecture().vision().orElseThrow().imageToken();
            int[] other = {5, 6, image, 7};
            List<Integer> alone = continued(model, List.of(chunk(model, other)), 16).getFirst();

            List<List<Integer>> both =
                    continued(
                            model,
                            List.of(
                                    new Chunk(model.open(64), prompt, Wanted.LAST, pictures(batch)),
                                    chunk(model, other)),
                            16);

            assertThat(both.getFirst())
                    .containsExactlyElementsOf(Arrays.stream(expected).boxed().toList());
            assertThat(both.getLast()).isEqualTo(alone);
        }
    }

    private static Chunk chunk(DecoderModel model, int[] prompt) {
        return new Chunk(model.open(64), prompt, Wanted.LAST);
    }

    private static List<List<Integer>> continued(DecoderModel model, List<Chunk> first, int steps) {
        List<List<Integer>> drawn = new ArrayList<>();
        first.forEach(_ -> drawn.add(new ArrayList<>()));
        List<Chunk> chunks = first;
        for (int step = 0; step < steps; step++) {
            List<List<Logits>> rows = model.step(chunks);
            List<Chunk> next = new ArrayList<>();
            for (int i = 0; i < rows.size(); i++) {
                int token = rows.get(i).getLast().largest();
                drawn.get(i).add(token);
                next.add(new Chunk(first.get(i).sequence(), new int[] {token}, Wanted.LAST));
            }
            chunks = next;
        }
        first.forEach(chunk -> chunk.sequence().close());
        return drawn;
    }

    private static Pictures pictures(SafetensorsFile batch) {
        int[] grid = ints(batch.integers("image_grid_thw"));
        float[] values = batch.floats("pixel_values");
        Grid one = new Grid(grid[0], grid[1], grid[2]);
        return new Pictures(values, values.length / one.patches(), List.of(one));
    }

    private static int[] ints(long[] values) {
        return Arrays.stream(values).mapToInt(Math::toIntExact).toArray();
    }
}
