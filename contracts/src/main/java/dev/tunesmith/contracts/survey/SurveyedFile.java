package dev.tunesmith.contracts.survey;

import dev.tunesmith.contracts.data.RowSummary;
import org.jspecify.annotations.Nullable;

/// What was found in one file.
///
/// @param name `training_file`, `validation_file`, or its name among several
/// @param validation whether it only measures
/// @param rows everything that is seen without a tokenizer
/// @param tokens null if the rows were not tokenised
public record SurveyedFile(
        String name, boolean validation, RowSummary rows, @Nullable TokenCounts tokens) {}
