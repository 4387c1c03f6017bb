/// The HTTP edge: who may ask, how errors look, when the process says that it is ready.
@org.jspecify.annotations.NullMarked
package dev.tunesmith.inference.web;
