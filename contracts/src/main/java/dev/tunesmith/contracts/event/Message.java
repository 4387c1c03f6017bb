package dev.tunesmith.contracts.event;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;

/// Everything that travels over Kafka inside an [Envelope].
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
    @JsonSubTypes.Type(Report.class),
    @JsonSubTypes.Type(Beat.class),
    @JsonSubTypes.Type(Control.class),
    @JsonSubTypes.Type(Dispatch.class),
    @JsonSubTypes.Type(ValidateTask.class),
    @JsonSubTypes.Type(DataTask.class),
    @JsonSubTypes.Type(Telemetry.class),
    @JsonSubTypes.Type(JobChanged.class)
})
public sealed interface Message
        permits Report, Beat, Control, Dispatch, ValidateTask, DataTask, Telemetry, JobChanged {}
