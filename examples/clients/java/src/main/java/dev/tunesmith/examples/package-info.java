/// Programs that a user of the server could have written. They see nothing of this project but its
/// HTTP interface.
@org.jspecify.annotations.NullMarked
package dev.tunesmith.examples;
