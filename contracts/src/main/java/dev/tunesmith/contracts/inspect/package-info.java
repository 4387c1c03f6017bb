/// What the texts of a training file hold besides their lesson: secrets, personal data, scripts and
/// languages; and everything noteworthy about its rows, counted by kind.
///
/// Start with [dev.tunesmith.contracts.inspect.Findings]. A value that was found is never kept,
/// only its kind and its line.
@NullMarked
package dev.tunesmith.contracts.inspect;

import org.jspecify.annotations.NullMarked;
