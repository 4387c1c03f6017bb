package dev.tunesmith.engine.data;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// The ChatML format, for models that have its control tokens and no template of their own.
public final class ChatMl implements ChatFormat {

    @Override
    public Rendered render(List<Map<String, Object>> messages, boolean generationPrompt) {
        StringBuilder text = new StringBuilder();
        List<Rendered.Span> answers = new ArrayList<>();
        for (Map<String, Object> message : messages) {
            text.append("<|im_start|>").append(message.get("role")).append('\n');
            int begin = text.codePointCount(0, text.length());
            text.append(message.getOrDefault("content", "")).append("<|im_end|>");
            if (Conversation.isAnswer(message)) {
                answers.add(new Rendered.Span(begin, text.codePointCount(0, text.length())));
            }
            text.append('\n');
        }
        if (generationPrompt) {
            text.append("<|im_start|>assistant\n");
        }
        return new Rendered(text.toString(), answers);
    }
}
