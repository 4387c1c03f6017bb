package dev.tunesmith.scheduler.queue;

import dev.tunesmith.contracts.job.ErrorCode;
import org.jspecify.annotations.Nullable;

/// Why a job does not get as far as the queue.
record Refusal(ErrorCode code, String message, @Nullable String param) {}
