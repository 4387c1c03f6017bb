/// Module and package boundaries as ArchUnit rules. [Layers] holds the table; each module's test
/// asks for its row.
@org.jspecify.annotations.NullMarked
package dev.tunesmith.testkit.layers;
