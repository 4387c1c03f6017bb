package dev.tunesmith.contracts.event;

import com.fasterxml.jackson.annotation.JsonTypeName;
import dev.tunesmith.contracts.id.Attempt;

/// An invitation to claim an attempt ([Topics#dispatch], share group).
///
/// Losing or doubling it may cost time, never correctness: the claim decides.
///
/// @param needBytes device memory that the plan asks for; 0 if unknown
/// @param resumeStep step of the committed checkpoint, −1 without one
@JsonTypeName("dispatch")
public record Dispatch(Attempt attempt, String specSha256, long needBytes, long resumeStep)
        implements Message {}
