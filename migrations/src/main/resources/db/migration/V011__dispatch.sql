-- What placing a job needs besides the last beat: for which kind of device a lease was dispatched,
-- and every boot that a host ever had. A beat of an old boot that is delivered late must not pass
-- for a new one and end the attempts of the living host.

ALTER TABLE job_attempt ADD COLUMN flavor text;

CREATE TABLE host_boot (
  host_id text, boot uuid, first_seen_at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (host_id, boot));

GRANT SELECT, INSERT ON host_boot TO ts_scheduler;
