/// The platform as its users meet it: the quickstart, and the official SDKs unchanged, against one
/// packaged stack a test class.
@org.jspecify.annotations.NullMarked
package dev.tunesmith.bench.clients;
