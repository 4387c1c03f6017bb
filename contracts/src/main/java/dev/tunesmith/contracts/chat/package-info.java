/// Conversations written with the templates that LLaMA-Factory names.
///
/// Start with [NamedTemplates]; a [NamedTemplate] turns a [Dialogue] into pairs of question and
/// answer, each a list of [Piece]s that are tokenised one by one. The table is
/// `named-templates.txt`; how tools are written is package `tool`.
@NullMarked
package dev.tunesmith.contracts.chat;

import org.jspecify.annotations.NullMarked;
