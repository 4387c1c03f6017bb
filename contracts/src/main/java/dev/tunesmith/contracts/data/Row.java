package dev.tunesmith.contracts.data;

import java.util.List;
import java.util.Optional;

/// A checked row of a training file.
public sealed interface Row {

    /// A conversation, as in OpenAI fine-tuning files.
    record Chat(List<Message> messages) implements Row {
        public Chat {
            messages = List.copyOf(messages);
        }
    }

    /// A text to continue: the older `{"prompt": …, "completion": …}`.
    record Completion(String prompt, String completion) implements Row {}

    /// A document for pre-training: `{"text": …}`.
    record Text(String text) implements Row {}

    /// Two answers to one prompt, of which the chosen one is better.
    ///
    /// @param margin by how much it is better, for reward models
    record Preference(
            List<Message> prompt, List<Message> chosen, List<Message> rejected, double margin)
            implements Row {
        public Preference {
            prompt = List.copyOf(prompt);
            chosen = List.copyOf(chosen);
            rejected = List.copyOf(rejected);
        }
    }

    /// An answer and a verdict on it.
    record Judged(List<Message> prompt, List<Message> answer, boolean desirable) implements Row {
        public Judged {
            prompt = List.copyOf(prompt);
            answer = List.copyOf(answer);
        }
    }

    /// One turn of a conversation.
    ///
    /// @param content the text; the text parts joined; empty where calls stand alone
    /// @param trained whether the answer carries loss; false for all but assistant turns
    record Message(Role role, String content, Optional<String> name, boolean trained) {}

    /// Who speaks.
    enum Role {
        SYSTEM,
        DEVELOPER,
        USER,
        ASSISTANT,
        TOOL,
        FUNCTION
    }
}
