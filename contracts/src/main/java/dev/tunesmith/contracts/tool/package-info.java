/// How models are told of tools and how they call them: the formats that LLaMA-Factory names.
///
/// Start with [ToolFormat]. Texts come from Python's `json.dumps`, so JSON is written and read here
/// the way Python does; [JsonReader] is that strict reader.
@NullMarked
package dev.tunesmith.contracts.tool;

import org.jspecify.annotations.NullMarked;
