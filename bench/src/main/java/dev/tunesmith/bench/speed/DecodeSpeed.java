package dev.tunesmith.bench.speed;

import dev.tunesmith.engine.decode.CacheRoom;
import dev.tunesmith.engine.decode.CausalModel;
import dev.tunesmith.engine.decode.DecoderModel;
import dev.tunesmith.engine.decode.Logits;
import dev.tunesmith.engine.gguf.DecodingWeights;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.nn.Linear;
import dev.tunesmith.engine.nn.Parameter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/// Tokens a second of greedy decoding: any model folder, bf16, prompts of random tokens.
final class DecodeSpeed {
    private static final int FIRST_TOKEN = 3;
    private static final int RANDOM_TOKENS = 8000;
    private static final int WARM_UP_TOKENS = 16;
    private static final double GIB = 1 << 30;

    private final Setup setup;

    /// What is measured.
    ///
    /// @param prompt tokens of each prompt
    /// @param fresh tokens that each sequence gets
    record Setup(Path model, int prompt, int fresh, int batch, DecodingWeights weights) {}

    DecodeSpeed(Setup setup) {
        this.setup = setup;
    }

    /// Reads the prompts and continues them, once to warm up and once for the figures.
    Map<String, Object> measure() {
        ModelDirectory directory = ModelDirectory.open(setup.model());
        int room = setup.batch() * (setup.prompt() + setup.fresh() + WARM_UP_TOKENS + 64);
        try (Decoder decoder = Decoder.load(directory, setup.weights().form(directory));
                CacheRoom cache = new CacheRoom(decoder, room);
                DecoderModel model = new DecoderModel(decoder, cache)) {
            run(model, WARM_UP_TOKENS);
            Times times = run(model, setup.fresh());
            double weights =
                    decoder.parameters().stream()
                            .filter(p ->
                                    decoder.architecture().edges().tied()
                                            || !p.name().contains("embed_tokens"))
                            .mapToDouble(Parameter::bytesRead)
                            .sum();
            double steps = (setup.fresh() - 1) / times.decode();
            Map<String, Object> figures = new LinkedHashMap<>();
            figures.put(
                    "prefill_tokens_per_second",
                    Figures.rounded(setup.batch() * setup.prompt() / times.prefill()));
            figures.put(
                    "product_rate_share",
                    Figures.rounded(
                            promptProducts(decoder) / times.prefill() / ProductRate.bf16()));
            figures.put("decode_tokens_per_second", Figures.rounded(steps * setup.batch()));
            figures.put("peak_rss_gib", Figures.rounded(OwnProcess.peakBytes() / GIB));
            figures.put(
                    "bandwidth_share", Figures.rounded(steps * weights / ProductRate.readBytes()));
            return figures;
        }
    }

    /// Floating-point operations of the products with weights that reading all prompts takes; the
    /// head meets only the last token of each.
    private double promptProducts(Decoder decoder) {
        double matrices = 0;
        for (Linear linear : decoder.linears()) {
            matrices += (double) linear.weight().outputs() * linear.weight().inputs();
        }
        double head = decoder.head().weight().value().elements();
        return 2.0 * setup.batch() * (matrices * setup.prompt() + head);
    }

    private record Times(double prefill, double decode) {}

    private Times run(CausalModel model, int fresh) {
        int words = Math.min(RANDOM_TOKENS, model.vocabulary());
        SplittableRandom random = new SplittableRandom(1);
        List<CausalModel.Chunk> chunks = new ArrayList<>();
        for (int b = 0; b < setup.batch(); b++) {
            int[] prompt = random.ints(setup.prompt(), FIRST_TOKEN, words).toArray();
            chunks.add(
                    new CausalModel.Chunk(
                            model.open(setup.prompt() + fresh), prompt, CausalModel.Wanted.LAST));
        }
        long start = System.nanoTime();
        List<List<Logits>> logits = model.step(chunks);
        long read = System.nanoTime();
        for (int token = 1; token < fresh; token++) {
            List<CausalModel.Chunk> next = new ArrayList<>();
            for (int b = 0; b < chunks.size(); b++) {
                int[] best = {logits.get(b).getFirst().largest()};
                next.add(
                        new CausalModel.Chunk(
                                chunks.get(b).sequence(), best, CausalModel.Wanted.LAST));
            }
            logits = model.step(next);
        }
        long end = System.nanoTime();
        chunks.forEach(chunk -> chunk.sequence().close());
        return new Times((read - start) / 1e9, (end - read) / 1e9);
    }
}
