-- What users see of a running job, and what the scheduler remembers about hosts and tasks.

-- The source of fine_tuning.job.event. seq is dense per job and commits in order: a reader that has
-- seen n has seen everything below it, so it can serve as the id of a resumable stream.
CREATE TABLE job_message (
  job_id uuid, seq int, tenant_id uuid NOT NULL,
  level text NOT NULL DEFAULT 'info' CHECK (level IN ('info','warn','error')),
  type text NOT NULL DEFAULT 'message' CHECK (type IN ('message','metrics')),
  message text NOT NULL, data jsonb NOT NULL DEFAULT '{}', at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (job_id, seq), FOREIGN KEY (tenant_id, job_id) REFERENCES job (tenant_id, job_id));

CREATE FUNCTION job_message_seq() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(NEW.job_id::text, 5));
  SELECT coalesce(max(m.seq), 0) + 1 INTO NEW.seq FROM job_message m WHERE m.job_id = NEW.job_id;
  RETURN NEW;
END $$;
CREATE TRIGGER job_message_seq BEFORE INSERT ON job_message FOR EACH ROW EXECUTE FUNCTION job_message_seq();

-- The last known position, one row a job.
CREATE TABLE job_progress (
  job_id uuid PRIMARY KEY, tenant_id uuid NOT NULL, epoch bigint NOT NULL, phase text NOT NULL,
  step bigint NOT NULL DEFAULT 0, total_steps bigint, data jsonb NOT NULL DEFAULT '{}',
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  FOREIGN KEY (tenant_id, job_id) REFERENCES job (tenant_id, job_id));

-- Numbers per step. A step that was run again after a resume has a row per epoch.
CREATE TABLE job_metric (
  job_id uuid, epoch bigint, step bigint, tenant_id uuid NOT NULL, data jsonb NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (job_id, step, epoch),
  FOREIGN KEY (tenant_id, job_id) REFERENCES job (tenant_id, job_id));

-- A validation of a job's dataset, or of an uploaded file, that a trainer host carries out. A task
-- without an answer is sent again; the answer names the task, so a second one changes nothing.
CREATE TABLE validation_task (
  task_id uuid PRIMARY KEY, tenant_id uuid NOT NULL, job_id uuid, file_id uuid,
  state text NOT NULL DEFAULT 'SENT' CHECK (state IN ('SENT','DONE','ABANDONED')),
  sent_at timestamptz NOT NULL DEFAULT clock_timestamp(), sends int NOT NULL DEFAULT 1 CHECK (sends > 0),
  request jsonb NOT NULL DEFAULT '{}', result jsonb, created_at timestamptz NOT NULL DEFAULT now(), done_at timestamptz,
  FOREIGN KEY (tenant_id, job_id) REFERENCES job (tenant_id, job_id),
  FOREIGN KEY (tenant_id, file_id) REFERENCES file (tenant_id, file_id),
  CONSTRAINT one_subject CHECK (num_nonnulls(job_id, file_id) = 1),
  CONSTRAINT done_iff_done CHECK ((state = 'SENT') = (done_at IS NULL)));
CREATE INDEX validation_task_open ON validation_task (sent_at) WHERE state = 'SENT';
CREATE UNIQUE INDEX validation_task_job ON validation_task (job_id) WHERE state = 'SENT';
CREATE UNIQUE INDEX validation_task_file ON validation_task (file_id) WHERE state = 'SENT';

-- Trainer hosts as their last beat described them. A new boot of the same host is proof that every
-- attempt of the old one is dead.
CREATE TABLE host (
  host_id text PRIMARY KEY, boot uuid NOT NULL, beat bigint NOT NULL DEFAULT 0, flavor text NOT NULL,
  slots_total int NOT NULL CHECK (slots_total >= 0), slots_free int NOT NULL CHECK (slots_free >= 0),
  memory_bytes bigint NOT NULL CHECK (memory_bytes >= 0), data jsonb NOT NULL DEFAULT '{}', draining boolean NOT NULL DEFAULT false,
  first_seen_at timestamptz NOT NULL DEFAULT clock_timestamp(), last_beat_at timestamptz NOT NULL DEFAULT clock_timestamp());

CALL isolate('job_message');
CALL isolate('job_progress');
CALL isolate('job_metric');
CALL isolate('validation_task');

GRANT SELECT, INSERT ON job_message TO ts_api, ts_scheduler;
GRANT SELECT ON job_progress, job_metric, validation_task TO ts_api;
GRANT SELECT, INSERT, UPDATE ON job_progress, job_metric, validation_task, host TO ts_scheduler;
