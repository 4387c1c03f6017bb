/// The embedded parts, each started by one call: [EmbeddedPostgres], [KafkaNode], [S3Node]. Tests
/// take all three at once from [TestStack], which can also take other servers ([ServerSource]); the
/// supervisor starts the mains [PostgresNode], [KafkaNode] and [S3Node] as processes of their own.
///
/// The mains read their settings from the environment, print one JSON ready line and end with code
/// 1 when the part under them ends.
@NullMarked
package dev.tunesmith.standalone;

import org.jspecify.annotations.NullMarked;
