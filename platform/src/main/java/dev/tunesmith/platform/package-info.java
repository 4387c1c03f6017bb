@org.jspecify.annotations.NullMarked
package dev.tunesmith.platform;
