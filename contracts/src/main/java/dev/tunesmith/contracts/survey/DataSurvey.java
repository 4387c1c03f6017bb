package dev.tunesmith.contracts.survey;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// What was found in the data of a job.
///
/// @param files training files in their order, then the validation file
/// @param findings how many there are in all; the job's report lists them
/// @param compute what the host that looked computes on; null where it did not say
/// @param templates how the model's own template and the named one differ; null if they do not
/// @param estimate what the run will take; null until the job is resolved, and for a refused one
public record DataSurvey(
        List<SurveyedFile> files,
        long findings,
        @Nullable Compute compute,
        @Nullable String templates,
        @Nullable RunEstimate estimate) {

    public DataSurvey {
        files = List.copyOf(files);
    }

    /// The same with what its host computes on.
    public DataSurvey on(Compute host) {
        return new DataSurvey(files, findings, host, templates, estimate);
    }

    /// The same with an estimate.
    public DataSurvey with(RunEstimate run) {
        return new DataSurvey(files, findings, compute, templates, run);
    }

    /// Where a problem is to blame: the first file that has one, by the key that names it in a job.
    public String param() {
        return files.stream()
                .filter(file -> !file.rows().ok())
                .findFirst()
                .map(file -> file.validation() ? "validation_file" : "training_file")
                .orElse("training_file");
    }
}
