/// Chat templates: an interpreter of the part of Jinja that Hugging Face models use.
///
/// Start with [ChatTemplate]. The way of a template: `Lexer` → `Parser` → `Statement` and
/// `Expression` → `Rendering`. Values are plain data: `String`, `Long`, `BigInteger`, `Double`,
/// `Boolean`, [Nothing], `List`, `Map` and the few types of this package; there is no reflection
/// and no way to a Java object. Texts are counted in code points, as Python does.
@NullMarked
package dev.tunesmith.contracts.template;

import org.jspecify.annotations.NullMarked;
