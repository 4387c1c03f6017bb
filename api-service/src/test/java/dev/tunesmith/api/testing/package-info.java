/// Real PostgreSQL and S3 behind the service, keys of two tenants, and a stand-in for inference.
@NullMarked
package dev.tunesmith.api.testing;

import org.jspecify.annotations.NullMarked;
