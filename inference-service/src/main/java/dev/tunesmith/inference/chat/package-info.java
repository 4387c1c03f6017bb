/// The OpenAI wire of chat completions and completions. [dev.tunesmith.inference.chat.AskReader]
/// reads and checks a body, [dev.tunesmith.inference.chat.Answer] runs it,
/// [dev.tunesmith.inference.chat.Wire] gives the shapes.
@org.jspecify.annotations.NullMarked
package dev.tunesmith.inference.chat;
