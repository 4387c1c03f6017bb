/// How graders count: formulas over the scores of their parts, likeness of texts.
@NullMarked
package dev.tunesmith.contracts.grade;

import org.jspecify.annotations.NullMarked;
