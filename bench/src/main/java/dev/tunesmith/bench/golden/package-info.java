/// Golden cases: a folder with a `case.json`, its tensors, and how results are compared with them.
@NullMarked
package dev.tunesmith.bench.golden;

import org.jspecify.annotations.NullMarked;
