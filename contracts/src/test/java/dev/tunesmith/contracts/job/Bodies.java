package dev.tunesmith.contracts.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.tunesmith.contracts.TestingJson;
import dev.tunesmith.contracts.id.FileId;
import dev.tunesmith.contracts.problem.Problem;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/// Bodies of create requests, checked against a few models and files.
final class Bodies {
    private Bodies() {}

    static final FileId READY = new FileId(new UUID(0, 1));
    static final FileId CHECKING = new FileId(new UUID(0, 2));
    static final FileId BROKEN = new FileId(new UUID(0, 3));
    static final FileId OTHER = new FileId(new UUID(0, 4));

    static final Lookup LOOKUP =
            new Lookup() {
                @Override
                public Set<String> models() {
                    return Set.of("nano", "qwen2-0.5b", "llama-1b");
                }

                @Override
                public FileState file(FileId file) {
                    if (file.equals(READY)) {
                        return FileState.READY;
                    }
                    if (file.equals(CHECKING)) {
                        return FileState.CHECKING;
                    }
                    if (file.equals(BROKEN)) {
                        return FileState.BROKEN;
                    }
                    return file.equals(OTHER) ? FileState.WRONG_PURPOSE : FileState.MISSING;
                }
            };

    /// Checks a body that names a model and a file, and these keys besides.
    static JobRules.Checked check(String more) {
        String body =
                "{\"model\":\"nano\",\"training_file\":\"%s\"%s}"
                        .formatted(READY.wire(), more.isEmpty() ? "" : "," + more);
        return checkBody(body);
    }

    static JobRules.Checked checkBody(String body) {
        return JobRules.check(tree(body), LOOKUP);
    }

    @SuppressWarnings("unchecked")
    static Map<String, Object> tree(String body) {
        try {
            return TestingJson.MAPPER.readValue(body, Map.class);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(body, e);
        }
    }

    static JobSpec spec(String more) {
        JobRules.Checked checked = check(more);
        assertThat(checked).as(more).isInstanceOf(JobRules.Ok.class);
        return ((JobRules.Ok) checked).spec();
    }

    static List<Problem> problems(JobRules.Checked checked) {
        assertThat(checked).isInstanceOf(JobRules.Bad.class);
        return ((JobRules.Bad) checked).problems();
    }

    static Problem problem(String more) {
        List<Problem> problems = problems(check(more));
        assertThat(problems).as(more).hasSize(1);
        return problems.getFirst();
    }

    static Problem problemOfTraining(String keys) {
        return problem("\"x_training\":{" + keys + "}");
    }
}
