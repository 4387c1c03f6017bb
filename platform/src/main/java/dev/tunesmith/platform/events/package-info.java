/// Kafka, in five shapes: [EventProducer] sends, [ConsumerLoop] reads a topic as a group,
/// [ShareLoop] takes invitations one by one, [ControlTail] follows the messages for one host.
///
/// Kafka carries hints; PostgreSQL is the truth. Everything is delivered at least once, so every
/// handler is safe to repeat.
@NullMarked
package dev.tunesmith.platform.events;

import org.jspecify.annotations.NullMarked;
