/// Proof of who calls: [ApiKey] is the text that a client shows and the MAC that the database keeps.
@NullMarked
package dev.tunesmith.platform.tenant;

import org.jspecify.annotations.NullMarked;
