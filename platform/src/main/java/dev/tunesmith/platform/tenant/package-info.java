/// Who is calling: API keys, checked in constant time, and the tenant that they belong to.
@NullMarked
package dev.tunesmith.platform.tenant;

import org.jspecify.annotations.NullMarked;
