@org.jspecify.annotations.NullMarked
package dev.tunesmith.trainer;
