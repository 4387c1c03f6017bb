/// Generation: many requests, one device thread. Start at [dev.tunesmith.engine.decode.Batcher]: it
/// keeps the running requests of every loaded model, lets each step continue all of them together,
/// and hands tokens out as they are drawn. [dev.tunesmith.engine.decode.CausalModel] is what it
/// needs of a model, [dev.tunesmith.engine.decode.Sampler] turns logits into a token.
///
/// Invariants: only the device thread touches a model; a request's tokens do not depend on what
/// else is in the batch beyond rounding; a request that is no longer wanted leaves at the next
/// step.
@org.jspecify.annotations.NullMarked
package dev.tunesmith.engine.decode;
