/// Datasets as LLaMA-Factory describes them: `dataset_info.json`, its columns and tags, and the
/// rows of all its layouts as questions and answers.
///
/// Start with [DatasetCatalog] and [Alignment]. Everything here is pure; files are read by others.
@NullMarked
package dev.tunesmith.contracts.dataset;

import org.jspecify.annotations.NullMarked;
