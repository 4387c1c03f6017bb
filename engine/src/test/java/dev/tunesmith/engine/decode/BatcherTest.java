package dev.tunesmith.engine.decode;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class BatcherTest {
    private static final int STOP = 9;
    private final CountingModel model = new CountingModel();
    private final Batcher batcher = new Batcher(new Batcher.Limits(4, 3, 8, 5));

    @AfterEach
    void close() {
        batcher.close();
        assertThat(model.open).isZero();
    }

    @Test
    void countsUpToTheStopToken() throws Exception {
        var heard = new Heard();
        submit(new int[] {3, 4, 5}, 100, heard);
        assertThat(heard.await()).isEqualTo(Generation.End.STOP);
        assertThat(heard.tokens).containsExactly(6, 7, 8);
    }

    @Test
    void endsAtTheLimit() throws Exception {
        var heard = new Heard();
        submit(new int[] {0}, 2, heard);
        assertThat(heard.await()).isEqualTo(Generation.End.LENGTH);
        assertThat(heard.tokens).containsExactly(1, 2);
    }

    @Test
    void readsALongPromptInChunksWhileOthersGoOn() throws Exception {
        var other = new Heard();
        var heard = new Heard();
        batcher.onDevice(() -> {
            submit(new int[] {0}, 50, other);
            submit(new int[20], 1, heard);
            return 0;
        });
        assertThat(heard.await()).isEqualTo(Generation.End.LENGTH);
        assertThat(other.await()).isEqualTo(Generation.End.STOP);
        assertThat(model.largestStep).isLessThanOrEqualTo(8);
        assertThat(model.mostChunks).isEqualTo(2);
        assertThat(heard.tokens).containsExactly(1);
    }

    @Test
    void measuresThePromptChunkByChunk() throws Exception {
        var heard = new Heard();
        int[] prompt = {0, 1, 2, 3, 4, 5, 6, 7, 8, 2, 3, 4};
        var request =
                new Generation.Request(
                        prompt,
                        new SamplingOptions(0, 1, 0, 0, 0, 0, 1, Map.of(), 1, 1),
                        0,
                        Set.of(STOP),
                        true,
                        heard);
        assertThat(batcher.submit(model, request)).isPresent();
        assertThat(heard.await()).isEqualTo(Generation.End.LENGTH);
        assertThat(heard.tokens).isEmpty();
        assertThat(heard.prompt)
                .extracting(Draw::token)
                .containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 2, 3, 4);
        assertThat(heard.prompt.get(0).logprob())
                .isEqualTo(heard.prompt.get(0).top().get(0).logprob());
        assertThat(heard.prompt.get(8).logprob()).isLessThan(-5);
    }

    @Test
    void aCancelledRequestLeavesAndGivesItsRoomBack() throws Exception {
        model.endless = true;
        var heard = new Heard();
        Generation generation = submit(new int[] {0}, Integer.MAX_VALUE / 2, heard).orElseThrow();
        generation.cancel();
        assertThat(heard.await()).isEqualTo(Generation.End.CANCELLED);
    }

    @Test
    void aFailingStepEndsItsRequestsAndNothingElse() throws Exception {
        model.failing = true;
        var heard = new Heard();
        submit(new int[] {0}, 5, heard);
        assertThat(heard.await()).isEqualTo(Generation.End.FAILED);
        model.failing = false;
        var after = new Heard();
        submit(new int[] {7}, 5, after);
        assertThat(after.await()).isEqualTo(Generation.End.STOP);
    }

    @Test
    void refusesWhenTooManyWait() throws Exception {
        model.endless = true;
        var accepted = new ArrayList<Generation>();
        for (int i = 0; i < 7; i++) {
            accepted.add(submit(new int[] {0}, 1_000_000, new Heard()).orElseThrow());
            while (batcher.running() + batcher.waiting() <= i) {
                TimeUnit.MILLISECONDS.sleep(1);
            }
        }
        assertThat(submit(new int[] {0}, 1, new Heard())).isEmpty();
        accepted.forEach(Generation::cancel);
    }

    private Optional<Generation> submit(int[] prompt, int max, Heard heard) {
        return batcher.submit(
                model,
                new Generation.Request(
                        prompt, SamplingOptions.greedy(), max, Set.of(STOP), false, heard));
    }

    private static final class Heard implements Generation.Listener {
        private final List<Integer> tokens = new ArrayList<>();
        private final List<Draw> prompt = new ArrayList<>();
        private final CountDownLatch done = new CountDownLatch(1);
        private Generation.End end = Generation.End.FAILED;

        @Override
        public void token(Draw draw) {
            tokens.add(draw.token());
        }

        @Override
        public void prompt(Draw given) {
            prompt.add(given);
        }

        @Override
        public void end(Generation.End how) {
            end = how;
            done.countDown();
        }

        private Generation.End await() throws InterruptedException {
            assertThat(done.await(10, TimeUnit.SECONDS)).isTrue();
            return end;
        }
    }

    /// Continues every sequence with the number after its last token.
    private static final class CountingModel implements CausalModel {
        private volatile boolean failing;
        private volatile boolean endless;
        private volatile int open;
        private int largestStep;
        private int mostChunks;

        @Override
        public int vocabulary() {
            return 10;
        }

        @Override
        public Sequence fork(Sequence begun, int capacity) {
            throw new UnsupportedOperationException("a batcher opens every sequence");
        }

        @Override
        public boolean hasRoom(int capacity) {
            return true;
        }

        @Override
        public int contextLength() {
            return 100;
        }

        @Override
        @SuppressWarnings("NonAtomicVolatileUpdate") // only the device thread writes it
        public Sequence open(int capacity) {
            open++;
            return new Sequence() {
                @Override
                public int length() {
                    return 0;
                }

                @Override
                public void close() {
                    open--;
                }
            };
        }

        @Override
        public List<List<Logits>> step(List<Chunk> chunks) {
            if (failing) {
                throw new IllegalStateException("broken on purpose");
            }
            largestStep =
                    Math.max(largestStep, chunks.stream().mapToInt(c -> c.tokens().length).sum());
            mostChunks = Math.max(mostChunks, chunks.size());
            return chunks.stream().map(this::rows).toList();
        }

        private List<Logits> rows(Chunk chunk) {
            float[][] rows = new float[chunk.rows()][10];
            int first = chunk.tokens().length - rows.length;
            for (int i = 0; i < rows.length; i++) {
                rows[i][endless ? 0 : Math.min(chunk.tokens()[first + i] + 1, 9)] = 5;
            }
            return Arrays.stream(rows).map(Logits::of).toList();
        }

        @Override
        public void close() {}
    }
}
