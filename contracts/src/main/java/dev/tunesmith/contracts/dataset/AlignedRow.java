package dev.tunesmith.contracts.dataset;

import dev.tunesmith.contracts.chat.Turn;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A row as questions and answers, whatever its layout was.
///
/// @param prompt all turns before the answer; empty if the row cannot be used
/// @param answers none, one, or a better and a worse one
/// @param tools JSON text of a list; empty if there are none
/// @param media paths of `images`, `videos` and `audios`; frames of a video are a list
/// @param desirable the verdict on the answer, if the row has one
/// @param problem why the row cannot be used
public record AlignedRow(
        List<Turn> prompt,
        List<Turn> answers,
        String system,
        String tools,
        Map<String, List<Object>> media,
        Optional<Boolean> desirable,
        Optional<String> problem) {

    private static final Map<String, String> PLACEHOLDERS =
            Map.of("images", "<image>", "videos", "<video>", "audios", "<audio>");

    public AlignedRow {
        prompt = List.copyOf(prompt);
        answers = List.copyOf(answers);
        media = Map.copyOf(media);
    }

    /// Whether the texts have a placeholder for each picture, film and sound.
    public boolean mediaMatches() {
        return PLACEHOLDERS.entrySet().stream()
                .allMatch(kind ->
                        count(kind.getValue())
                                == media.getOrDefault(kind.getKey(), List.of()).size());
    }

    private int count(String placeholder) {
        int count = 0;
        for (List<Turn> turns : List.of(prompt, answers)) {
            for (Turn turn : turns) {
                count += turn.content().split(placeholder, -1).length - 1;
            }
        }
        return count;
    }
}
