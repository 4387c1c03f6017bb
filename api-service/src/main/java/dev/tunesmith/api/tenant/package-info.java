/// Who calls. [KeyAuthentication] is the wall in front of every path, [Keys] the SQL behind it,
/// [Caller] what resources get to know; the tenant comes from the key's row and from nowhere else.
@NullMarked
package dev.tunesmith.api.tenant;

import org.jspecify.annotations.NullMarked;
