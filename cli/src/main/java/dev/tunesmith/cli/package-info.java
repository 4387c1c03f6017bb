@org.jspecify.annotations.NullMarked
package dev.tunesmith.cli;
