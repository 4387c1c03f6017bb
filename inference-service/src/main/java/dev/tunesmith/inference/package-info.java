/// Serves base, adapter and merged models. A request comes from api-service with a signed
/// [dev.tunesmith.contracts.serving.ServingGrant]; nothing else is trusted. Start at
/// [dev.tunesmith.inference.chat.ChatResource], follow the request into
/// [dev.tunesmith.inference.weights.Models] and [dev.tunesmith.engine.decode.Batcher].
@org.jspecify.annotations.NullMarked
package dev.tunesmith.inference;
