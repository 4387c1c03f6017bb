/// Answers of a model to the rows of a file, and their scores: [PredictCommand] is where to start.
@org.jspecify.annotations.NullMarked
package dev.tunesmith.cli.predict;
