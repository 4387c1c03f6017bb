/// The messages between scheduler, trainer hosts and training children.
///
/// Kafka messages are a [Message] inside an [Envelope]; [Topics] names the topics. The pipe between
/// a trainer host and its child carries [ChildCommand] and [ChildReport], one JSON object a line.
/// What names an attempt carries the whole `Attempt`: a message without epoch and lease cannot be
/// written.
@NullMarked
package dev.tunesmith.contracts.event;

import org.jspecify.annotations.NullMarked;
