/// The language of chat templates: syntax, and values as Python has them.
///
/// `Lexer` → [Parser] → [Statement] and [Expression]; `template` runs them. Values are plain data:
/// `String`, `Long`, `BigInteger`, `Double`, `Boolean`, [Nothing], `List`, `Map` and the few types
/// of this package; there is no reflection and no way to a Java object. Texts are counted in code
/// points, as Python does.
@NullMarked
package dev.tunesmith.contracts.jinja;

import org.jspecify.annotations.NullMarked;
