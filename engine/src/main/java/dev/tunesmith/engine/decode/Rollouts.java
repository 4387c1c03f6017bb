package dev.tunesmith.engine.decode;

import dev.tunesmith.contracts.method.MethodSettings.Ppo;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.tensor.StepArena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Lets a model answer several prompts at once on the calling thread, with the cache and the
/// sampler of serving.
public final class Rollouts {

    private Rollouts() {}

    /// How answers are drawn.
    ///
    /// @param stopTokens tokens that end an answer and are its last token
    public record Options(
            int tokensMax, double temperature, double topP, int topK, Set<Integer> stopTokens) {
        public Options {
            stopTokens = Set.copyOf(stopTokens);
        }
    }

    /// An answer's tokens, and whether the model ended it.
    // Arrays: never compared.
    @SuppressWarnings("ArrayRecordComponent")
    public record Answer(int[] tokens, boolean ended) {}

    /// Draws one answer to each prompt.
    ///
    /// @param arena lends memory to copies of the weights, where those of a step are not needed yet
    /// @param seeds one for each prompt: an answer depends on nothing else but model and prompt
    public static List<Answer> draw(
            Decoder model, StepArena arena, List<int[]> prompts, long[] seeds, Options options) {
        int running = Math.min(Ppo.Rollout.TOGETHER_MAX, prompts.size());
        int longest = prompts.stream().mapToInt(prompt -> prompt.length).max().orElse(0);
        int capacity = (longest + options.tokensMax() + CacheRoom.PAGE_TOKENS) * running;
        List<Running> all = new ArrayList<>();
        for (int i = 0; i < prompts.size(); i++) {
            all.add(new Running(prompts.get(i), seeds[i], options));
        }
        try (CacheRoom room = new CacheRoom(model, Math.max(1, capacity));
                PanelCopies _ = new PanelCopies(model, arena)) {
            CausalModel causal = new DecoderModel(model, room);
            for (int first = 0; first < all.size(); first += running) {
                finish(causal, all.subList(first, Math.min(all.size(), first + running)));
            }
        }
        return all.stream().map(Running::answer).toList();
    }

    private static void finish(CausalModel model, List<Running> group) {
        List<Running> active = begun(model, group);
        while (!active.isEmpty()) {
            List<CausalModel.Chunk> chunks = active.stream().map(Running::next).toList();
            active = unfinished(active, model.step(chunks).stream().map(List::getFirst).toList());
        }
    }

    /// Reads each prompt once, for all answers to it that stand side by side.
    ///
    /// @return those that go on after their first token
    private static List<Running> begun(CausalModel model, List<Running> group) {
        List<Running> first = new ArrayList<>();
        for (Running running : group) {
            if (first.isEmpty() || !Arrays.equals(first.getLast().prompt, running.prompt)) {
                running.open(model);
                first.add(running);
            }
        }
        List<List<Logits>> rows = model.step(first.stream().map(Running::next).toList());
        List<Logits> behind = new ArrayList<>();
        int reader = -1;
        for (Running running : group) {
            if (reader + 1 < first.size() && first.get(reader + 1) == running) {
                reader++;
            } else {
                running.fork(model, first.get(reader));
            }
            behind.add(rows.get(reader).getFirst());
        }
        return unfinished(group, behind);
    }

    /// Draws the next token of each and leaves out those whose answer ends with it.
    private static List<Running> unfinished(List<Running> all, List<Logits> logits) {
        List<Running> left = new ArrayList<>();
        for (int i = 0; i < all.size(); i++) {
            if (!all.get(i).accept(logits.get(i))) {
                left.add(all.get(i));
            }
        }
        return left;
    }

    /// One answer on its way.
    private static final class Running {
        private final int[] prompt;
        private final Options options;
        private final Sampler sampler;
        private final int[] tokens;
        private int count;
        private boolean ended;
        private CausalModel.Sequence sequence = Closed.SEQUENCE;

        Running(int[] prompt, long seed, Options options) {
            this.prompt = prompt;
            this.options = options;
            this.tokens = new int[options.tokensMax()];
            this.sampler =
                    new Sampler(
                            new SamplingOptions(
                                    options.temperature(),
                                    options.topP(),
                                    options.topK(),
                                    0,
                                    0,
                                    0,
                                    1,
                                    Map.of(),
                                    seed,
                                    -1),
                            prompt);
        }

        void open(CausalModel model) {
            sequence = model.open(prompt.length + tokens.length);
        }

        /// Begins behind the prompt that another answer has read.
        void fork(CausalModel model, Running reader) {
            sequence = model.fork(reader.sequence, prompt.length + tokens.length);
        }

        CausalModel.Chunk next() {
            int[] fresh = count == 0 ? prompt : new int[] {tokens[count - 1]};
            return new CausalModel.Chunk(sequence, fresh, CausalModel.Wanted.LAST);
        }

        /// Draws the next token; true if it was the last.
        boolean accept(Logits logits) {
            if (options.temperature() == 0) {
                requireNumbers(logits);
            }
            int token = sampler.draw(logits, prompt.length + count).token();
            tokens[count++] = token;
            ended = options.stopTokens().contains(token);
            boolean last = ended || count == tokens.length;
            if (last) {
                sequence.close();
            }
            return last;
        }

        /// Drawing finds it out itself; the largest may be one beside others that are no numbers.
        private static void requireNumbers(Logits logits) {
            for (float logit : logits.values()) {
                if (!Float.isFinite(logit)) {
                    throw Candidates.noNumbers();
                }
            }
        }

        Answer answer() {
            return new Answer(Arrays.copyOf(tokens, count), ended);
        }
    }

    /// The sequence of an answer that has not begun.
    private enum Closed implements CausalModel.Sequence {
        SEQUENCE;

        @Override
        public int length() {
            return 0;
        }

        @Override
        public void close() {
            // Nothing is open.
        }
    }
}
