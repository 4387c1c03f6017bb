package dev.tunesmith.migrations;

import java.util.List;
import java.util.Map;
import java.util.Set;

/// How a job gets from state to state: an update that satisfies every CHECK of the new state, so
/// that only the trigger can refuse it.
final class Moves {
    static final List<String> STATES =
            List.of(
                    "VALIDATING",
                    "QUEUED",
                    "LEASED",
                    "RUNNING",
                    "PAUSING",
                    "PAUSED",
                    "RETRY_WAIT",
                    "FINALIZING",
                    "CANCELLING",
                    "SUCCEEDED",
                    "FAILED",
                    "CANCELLED");

    /// A legal way to each state, from VALIDATING.
    private static final Map<String, List<String>> WAYS =
            Map.ofEntries(
                    Map.entry("VALIDATING", List.of()),
                    Map.entry("QUEUED", List.of("QUEUED")),
                    Map.entry("LEASED", List.of("QUEUED", "LEASED")),
                    Map.entry("RUNNING", List.of("QUEUED", "LEASED", "RUNNING")),
                    Map.entry("PAUSING", List.of("QUEUED", "LEASED", "RUNNING", "PAUSING")),
                    Map.entry("PAUSED", List.of("QUEUED", "PAUSED")),
                    Map.entry("RETRY_WAIT", List.of("QUEUED", "LEASED", "RETRY_WAIT")),
                    Map.entry("FINALIZING", List.of("QUEUED", "LEASED", "RUNNING", "FINALIZING")),
                    Map.entry("CANCELLING", List.of("QUEUED", "LEASED", "CANCELLING")),
                    Map.entry(
                            "SUCCEEDED",
                            List.of("QUEUED", "LEASED", "RUNNING", "FINALIZING", "SUCCEEDED")),
                    Map.entry("FAILED", List.of("FAILED")),
                    Map.entry("CANCELLED", List.of("CANCELLED")));

    private static final Set<String> ACTIVE =
            Set.of("LEASED", "RUNNING", "PAUSING", "FINALIZING", "CANCELLING");
    private static final Set<String> TERMINAL = Set.of("SUCCEEDED", "FAILED", "CANCELLED");

    private Moves() {}

    static List<String> wayTo(String state) {
        return WAYS.getOrDefault(state, List.of());
    }

    static String to(String state) {
        String lease =
                ACTIVE.contains(state)
                        ? """
                        epoch = epoch + (lease_id IS NULL)::int,
                        lease_id = coalesce(lease_id, gen_random_uuid()),
                        lease_owner = coalesce(lease_owner, 'unclaimed'),
                        lease_expires_at = clock_timestamp() + interval '60 s'
                        """
                        : "lease_id = NULL, lease_owner = NULL, lease_expires_at = NULL";
        return """
        UPDATE job SET state = '%s', %s, finished_at = %s, error_code = %s,
          result_manifest_key = %s, result_manifest_sha256 = %s
        """
                .formatted(
                        state,
                        lease,
                        TERMINAL.contains(state) ? "clock_timestamp()" : "NULL",
                        state.equals("FAILED") ? "'internal_error'" : "NULL",
                        state.equals("SUCCEEDED") ? "'key'" : "NULL",
                        state.equals("SUCCEEDED") ? "sha256('m')" : "NULL");
    }
}
