/// What is wrong with an input, all of it at once.
///
/// A check collects into [Problems] and hands back the list; nobody stops at the first finding.
/// [ProblemCode] lists every stable code that a client may see.
@NullMarked
package dev.tunesmith.contracts.problem;

import org.jspecify.annotations.NullMarked;
