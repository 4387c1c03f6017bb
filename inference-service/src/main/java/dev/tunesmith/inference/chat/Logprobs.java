package dev.tunesmith.inference.chat;

import dev.tunesmith.engine.decode.Draw;
import dev.tunesmith.engine.text.Tokenizer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Log-probabilities in the two forms of the wire.
final class Logprobs {
    private final Tokenizer tokenizer;

    Logprobs(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    Wire.ChatLogprobs chat(List<Draw> draws) {
        return new Wire.ChatLogprobs(draws.stream().map(this::token).toList(), null);
    }

    private Wire.TokenLogprob token(Draw draw) {
        List<Wire.TokenLogprob> top =
                draw.top().stream().map(a -> token(a.token(), a.logprob(), List.of())).toList();
        return token(draw.token(), draw.logprob(), top);
    }

    private Wire.TokenLogprob token(int id, double logprob, List<Wire.TokenLogprob> top) {
        String text = text(id);
        var bytes = new ArrayList<Integer>();
        for (byte b : tokenizer.bytes(id)) {
            bytes.add(b & 0xff);
        }
        return new Wire.TokenLogprob(text, logprob, bytes, top);
    }

    /// @param offset characters of the answer before these tokens
    Wire.TextLogprobs text(List<Draw> draws, int offset) {
        var tokens = new ArrayList<String>();
        var logprobs = new ArrayList<@Nullable Double>();
        var top = new ArrayList<@Nullable Map<String, Double>>();
        var offsets = new ArrayList<Integer>();
        int at = offset;
        for (Draw draw : draws) {
            tokens.add(text(draw.token()));
            boolean measured = !Double.isNaN(draw.logprob());
            logprobs.add(measured ? draw.logprob() : null);
            var best = new LinkedHashMap<String, Double>();
            draw.top().forEach(a -> best.putIfAbsent(text(a.token()), a.logprob()));
            top.add(measured ? best : null);
            offsets.add(at);
            at += tokens.getLast().length();
        }
        return new Wire.TextLogprobs(tokens, logprobs, top, offsets);
    }

    private String text(int id) {
        return tokenizer.decode(new int[] {id}, false);
    }
}
