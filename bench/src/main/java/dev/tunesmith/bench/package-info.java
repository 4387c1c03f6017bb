@org.jspecify.annotations.NullMarked
package dev.tunesmith.bench;
