/// The house rules that a machine can check, as one call a module: [Tidy#check]. The rules read
/// sources with the compiler's own tree API, so they see what the compiler sees. Exceptions stand
/// in `tidy-exceptions.txt` of the module, which may only shrink.
@org.jspecify.annotations.NullMarked
package dev.tunesmith.testkit.tidy;
