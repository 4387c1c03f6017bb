package dev.tunesmith.api.grader;

import dev.tunesmith.api.chat.ModelCalls;
import dev.tunesmith.api.tenant.Caller;
import dev.tunesmith.api.web.ApiException;
import dev.tunesmith.contracts.method.Grader;
import dev.tunesmith.contracts.problem.ProblemCode;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Asks the models of the platform about one answer, and keeps what they said of themselves.
final class ModelJudge implements Grader.Judge {
    private final ModelCalls calls;
    private final Caller caller;
    private final String requestId;
    private final Answer answer;
    private final Map<Grader.Asked, Double> known = new HashMap<>();
    private final Map<String, Usage> usage = new LinkedHashMap<>();
    private @Nullable String serverError;
    private boolean unread;

    ModelJudge(ModelCalls calls, Caller caller, String requestId, Answer answer) {
        this.calls = calls;
        this.caller = caller;
        this.requestId = requestId;
        this.answer = answer;
    }

    /// What is judged.
    record Answer(Map<String, Object> item, String text) {}

    /// Tokens of a model.
    record Usage(long promptTokens, long completionTokens, long totalTokens, long cachedTokens) {
        static Usage of(Map<?, ?> tree) {
            long prompt = number(tree.get("prompt_tokens"));
            long completion = number(tree.get("completion_tokens"));
            return new Usage(prompt, completion, prompt + completion, 0);
        }

        Usage plus(Usage other) {
            return new Usage(
                    promptTokens + other.promptTokens,
                    completionTokens + other.completionTokens,
                    totalTokens + other.totalTokens,
                    cachedTokens + other.cachedTokens);
        }

        private static long number(@Nullable Object value) {
            return value instanceof Number number ? number.longValue() : 0;
        }
    }

    /// Tokens by model.
    Map<String, Usage> usage() {
        return Map.copyOf(usage);
    }

    /// Why a model gave no answer.
    Optional<String> serverError() {
        return Optional.ofNullable(serverError);
    }

    /// Whether an answer held no number.
    boolean isUnread() {
        return unread;
    }

    @Override
    public double score(Grader.ByModel grader) {
        if (!(grader instanceof Grader.Asked asked)) {
            throw new IllegalStateException("no wire asks a " + grader.getClass().getSimpleName());
        }
        Double before = known.get(asked);
        double score = before == null ? ask(asked) : before;
        known.put(asked, score);
        return score;
    }

    private double ask(Grader.Asked asked) {
        Optional<String> said = said(asked);
        if (said.isEmpty()) {
            return asked.low();
        }
        unread |= !Grader.Asked.isScore(said.get());
        return asked.read(said.get());
    }

    private Optional<String> said(Grader.Asked asked) {
        try {
            ModelCalls.Answer reply = calls.ask(caller.tenant(), question(asked));
            if (!reply.ok()) {
                serverError = "status %d: %s".formatted(reply.status(), reply.body().get("error"));
                return Optional.empty();
            }
            if (reply.body().get("usage") instanceof Map<?, ?> tokens) {
                usage.merge(asked.model(), Usage.of(tokens), Usage::plus);
            }
            return Optional.of(text(reply.body()));
        } catch (ApiException e) {
            serverError = e.getMessage();
            return Optional.empty();
        } catch (InterruptedException _) {
            throw ApiException.of(ProblemCode.UNAVAILABLE, "The server stops; try again");
        }
    }

    private ModelCalls.Question question(Grader.Asked asked) {
        Grader.Asked.Sampling sampling = asked.sampling();
        return new ModelCalls.Question(
                "/v1/chat/completions",
                caller.actor(),
                requestId,
                asked.model(),
                Map.of(
                        "model",
                        asked.model(),
                        "messages",
                        asked.question(answer.item(), answer.text()),
                        "max_completion_tokens",
                        sampling.tokensMax(),
                        "temperature",
                        sampling.temperature(),
                        "top_p",
                        sampling.topP(),
                        "seed",
                        sampling.seed()));
    }

    private static String text(Map<String, Object> reply) {
        return reply.get("choices") instanceof List<?> choices
                        && !choices.isEmpty()
                        && choices.getFirst() instanceof Map<?, ?> choice
                        && choice.get("message") instanceof Map<?, ?> message
                        && message.get("content") instanceof String content
                ? content
                : "";
    }
}
