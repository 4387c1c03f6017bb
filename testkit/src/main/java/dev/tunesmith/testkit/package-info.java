/// Test tools that know nothing of the modules they serve: a settable clock and golden-file
/// readers. Start at [dev.tunesmith.testkit.tidy.Tidy] for the house rules and at
/// [dev.tunesmith.testkit.layers.Layers] for the module boundaries. Doubles of a module's own seams
/// live beside the seam, so that this module stays at the bottom of the reactor and every module
/// may test with it.
@org.jspecify.annotations.NullMarked
package dev.tunesmith.testkit;
