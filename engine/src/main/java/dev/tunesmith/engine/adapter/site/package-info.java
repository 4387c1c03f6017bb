/// What kinds of adapters are attached with: which modules are meant, where values come from, and
/// how parameters are called and ordered in files.
///
/// Start with [dev.tunesmith.engine.adapter.site.Site].
@NullMarked
package dev.tunesmith.engine.adapter.site;

import org.jspecify.annotations.NullMarked;
