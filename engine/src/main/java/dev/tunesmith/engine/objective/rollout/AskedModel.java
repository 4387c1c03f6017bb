package dev.tunesmith.engine.objective.rollout;

import dev.tunesmith.contracts.method.Grader;
import dev.tunesmith.engine.data.ChatEncoder;
import dev.tunesmith.engine.data.TemplateFormat;
import dev.tunesmith.engine.decode.Rollouts;
import dev.tunesmith.engine.decode.StopTokens;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.text.NamedFormat;
import dev.tunesmith.engine.text.Tokenizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// A model that is asked what it thinks of answers, with its own tokenizer and chat template.
public final class AskedModel implements AutoCloseable {

    private final Decoder model;
    private final Tokenizer tokenizer;
    private final ChatEncoder encoder;
    private final Set<Integer> stopTokens;

    private AskedModel(
            Decoder model,
            Tokenizer tokenizer,
            ModelDirectory directory,
            Optional<String> template) {
        this.model = model;
        this.tokenizer = tokenizer;
        this.encoder =
                new ChatEncoder(
                        tokenizer,
                        TemplateFormat.of(directory, TemplateFormat.TRAINING_TIME, template));
        this.stopTokens = StopTokens.of(directory, tokenizer, template.or(directory::chatTemplate));
    }

    /// Opens what it reads and writes with.
    ///
    /// @param model stays the caller's to close
    /// @param adapter folder of an adapter that it has: the template beside it counts, as where it
    ///   is served
    public static AskedModel open(Decoder model, ModelDirectory directory, Optional<Path> adapter) {
        return new AskedModel(
                model,
                directory.tokenizer().map(Tokenizer::open).orElseThrow(),
                directory,
                adapter.flatMap(NamedFormat::beside));
    }

    /// The score of each answer.
    ///
    /// @param arena lends memory while the model answers
    /// @param items the rows that the answers belong to
    double[] scores(
            StepArena arena,
            Grader.Asked grader,
            List<Map<String, Object>> items,
            List<String> answers) {
        List<int[]> prompts = new ArrayList<>();
        for (int i = 0; i < answers.size(); i++) {
            prompts.add(
                    encoder.prompt(grader.question(items.get(i), answers.get(i)), List.of()).ids());
        }
        Grader.Asked.Sampling sampling = grader.sampling();
        long[] seeds = new long[prompts.size()];
        Arrays.setAll(seeds, i -> sampling.seed() + i);
        var options =
                new Rollouts.Options(
                        sampling.tokensMax(),
                        sampling.temperature(),
                        sampling.topP(),
                        0,
                        stopTokens);
        return Rollouts.draw(model, arena, prompts, seeds, options).stream()
                .mapToDouble(said -> grader.read(text(said)))
                .toArray();
    }

    private String text(Rollouts.Answer said) {
        int length = said.tokens().length - (said.ended() ? 1 : 0);
        return tokenizer.decode(Arrays.copyOf(said.tokens(), length), true);
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
