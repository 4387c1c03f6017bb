package dev.tunesmith.api.job;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.tunesmith.contracts.id.JobId;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.eclipse.microprofile.openapi.annotations.media.Schema;

/// A `fine_tuning.job.event` on the wire. Its id is the job and the event's number within it, so
/// that paging is exact.
@JsonInclude(JsonInclude.Include.ALWAYS)
@Schema(name = "Event")
record EventView(
        String id,
        String object,
        long createdAt,
        String level,
        String message,
        String type,
        Map<String, Object> data) {
    private static final Pattern FORM = Pattern.compile("ftevent-[0-9a-f]{32}([0-9a-f]{8})");

    static EventView of(JobId job, Event event) {
        return new EventView(
                id(job, event.seq()),
                "fine_tuning.job.event",
                event.at().getEpochSecond(),
                event.level(),
                event.message(),
                event.type(),
                event.data());
    }

    /// A row of the job's messages.
    record Event(
            int seq,
            String level,
            String type,
            String message,
            Map<String, Object> data,
            Instant at) {}

    private static String id(JobId job, int seq) {
        return job.wire().replace("ftjob-", "ftevent-") + HexFormat.of().toHexDigits(seq);
    }

    /// The number in an event's id.
    static Optional<Integer> seq(String id) {
        Matcher matcher = FORM.matcher(id);
        return matcher.matches()
                ? Optional.of(HexFormat.fromHexDigits(matcher.group(1)))
                : Optional.empty();
    }
}
