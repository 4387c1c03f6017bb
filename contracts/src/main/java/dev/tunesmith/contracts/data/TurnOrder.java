package dev.tunesmith.contracts.data;

import java.util.List;
import java.util.Optional;

/// The order of turns that every template can render: system messages, then questions and answers
/// in turn, results behind the calls that they answer. Some templates refuse any other.
final class TurnOrder {

    private TurnOrder() {}

    /// @param place which message, from 0
    record Broken(int place, String reason) {}

    /// The first message that stands where not every template takes it.
    static Optional<Broken> broken(List<Row.Message> messages) {
        boolean begun = false;
        for (int i = 0; i < messages.size(); i++) {
            Row.Role role = messages.get(i).role();
            Row.Role before = i == 0 ? Row.Role.SYSTEM : messages.get(i - 1).role();
            String reason =
                    switch (role) {
                        case SYSTEM, DEVELOPER ->
                                begun ? "a system message stands inside of the conversation" : "";
                        case USER ->
                                before == Row.Role.USER
                                        ? "two user messages follow one another"
                                        : "";
                        case ASSISTANT ->
                                before == Row.Role.ASSISTANT
                                        ? "two assistant messages follow one another"
                                        : begun ? "" : "the conversation begins with an answer";
                        case TOOL, FUNCTION ->
                                before == Row.Role.ASSISTANT || before == role
                                        ? ""
                                        : "a result stands behind no call";
                    };
            if (!reason.isEmpty()) {
                return Optional.of(new Broken(i, reason));
            }
            begun = begun || (role != Row.Role.SYSTEM && role != Row.Role.DEVELOPER);
        }
        return Optional.empty();
    }
}
