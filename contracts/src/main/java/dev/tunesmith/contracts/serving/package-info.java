/// What api-service promises to inference-service about one request.
@NullMarked
package dev.tunesmith.contracts.serving;

import org.jspecify.annotations.NullMarked;
