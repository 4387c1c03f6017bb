-- The job protocol: one row per accepted job, guarded by triggers that no role can go around. The
-- columns in the second half of job take no part in any guard.

CREATE TYPE job_state AS ENUM ('VALIDATING','QUEUED','LEASED','RUNNING','PAUSING','PAUSED',
  'RETRY_WAIT','FINALIZING','CANCELLING','SUCCEEDED','FAILED','CANCELLED');

CREATE TABLE job_transition (from_state job_state, to_state job_state, PRIMARY KEY (from_state, to_state));

CREATE TABLE job (
  job_id uuid PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES tenant,
  state job_state NOT NULL DEFAULT 'VALIDATING',
  desired text NOT NULL DEFAULT 'RUN' CHECK (desired IN ('RUN','PAUSE','CANCEL')),      -- the only column the API may update
  spec jsonb NOT NULL, spec_sha256 bytea NOT NULL CHECK (octet_length(spec_sha256) = 32),
  client_job_id text, parent_job_id uuid REFERENCES job,
  flavor text NOT NULL DEFAULT 'any', gpus int NOT NULL DEFAULT 1 CHECK (gpus > 0), priority smallint NOT NULL DEFAULT 0,
  not_before timestamptz NOT NULL DEFAULT now(), deadline timestamptz, preempt_by timestamptz,
  attempt int NOT NULL DEFAULT 0, max_attempts int NOT NULL DEFAULT 5 CHECK (max_attempts BETWEEN 1 AND 20),
  infra_losses int NOT NULL DEFAULT 0 CHECK (infra_losses <= 50),
  loss_step bigint, loss_repeat int NOT NULL DEFAULT 0,
  epoch bigint NOT NULL DEFAULT 0, lease_id uuid, lease_owner text, lease_expires_at timestamptz,
  ckpt_step bigint NOT NULL DEFAULT -1, ckpt_manifest_key text, ckpt_manifest_sha256 bytea,
  result_manifest_key text, result_manifest_sha256 bytea, error_code text, error_message text, error_param text,
  event_seq int NOT NULL DEFAULT 0, created_at timestamptz NOT NULL DEFAULT now(), finished_at timestamptz,

  kind text NOT NULL DEFAULT 'train' CHECK (kind IN ('train','eval','merge','batch')),
  spec_version int NOT NULL DEFAULT 1 CHECK (spec_version > 0),
  request_sha256 bytea CHECK (octet_length(request_sha256) = 32), principal uuid,  -- who asked, for blind retries
  base_model text, method text, training_file uuid, validation_file uuid,
  metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
  resolved jsonb, memory_plan jsonb,                -- every value with its origin; written with the verdict
  fine_tuned_model text, trained_tokens bigint,

  UNIQUE (tenant_id, client_job_id),
  UNIQUE (tenant_id, job_id),
  CONSTRAINT lease_iff_active CHECK ((state IN ('LEASED','RUNNING','PAUSING','FINALIZING','CANCELLING'))
    = (lease_id IS NOT NULL AND lease_owner IS NOT NULL AND lease_expires_at IS NOT NULL)),
  CONSTRAINT finished_iff_terminal CHECK ((state IN ('SUCCEEDED','FAILED','CANCELLED')) = (finished_at IS NOT NULL)),
  CONSTRAINT result_iff_succeeded CHECK ((state = 'SUCCEEDED')
    = (result_manifest_key IS NOT NULL AND result_manifest_sha256 IS NOT NULL)),
  CONSTRAINT error_iff_failed CHECK ((state = 'FAILED') = (error_code IS NOT NULL)),
  CONSTRAINT attempts_bounded CHECK (attempt BETWEEN 0 AND max_attempts));
CREATE INDEX job_ready  ON job (tenant_id, priority DESC, not_before, job_id) WHERE state = 'QUEUED';
CREATE INDEX job_lease  ON job (lease_expires_at) WHERE lease_expires_at IS NOT NULL;
CREATE INDEX job_intent ON job (job_id) WHERE finished_at IS NULL AND (desired <> 'RUN' OR state = 'PAUSED');
CREATE INDEX job_retry  ON job (not_before) WHERE state = 'RETRY_WAIT';
CREATE INDEX job_list   ON job (tenant_id, created_at DESC, job_id);
CREATE INDEX job_files  ON job (tenant_id, training_file) WHERE finished_at IS NULL;

CREATE TABLE job_attempt (job_id uuid REFERENCES job, epoch bigint, lease_id uuid NOT NULL UNIQUE, tenant_id uuid NOT NULL,
  owner text NOT NULL, gpus int NOT NULL, resume_step bigint NOT NULL, leased_at timestamptz NOT NULL,
  ended_at timestamptz, end_state job_state, end_ckpt_step bigint, exit_class text, exit_code int, PRIMARY KEY (job_id, epoch));

CREATE TABLE job_event (job_id uuid REFERENCES job, seq int, tenant_id uuid NOT NULL, from_state job_state,
  to_state job_state NOT NULL, epoch bigint NOT NULL, actor text NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (job_id, seq));

CREATE TABLE outbox (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  msg_id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(), topic text NOT NULL, msg_key text NOT NULL,
  payload jsonb NOT NULL, created_at timestamptz NOT NULL DEFAULT clock_timestamp(), published_at timestamptz);
CREATE INDEX outbox_pending ON outbox (id) WHERE published_at IS NULL;

CREATE TABLE inbox (consumer text, msg_id uuid, at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (consumer, msg_id));

CREATE TABLE idempotency (tenant_id uuid, idem_key text CHECK (length(idem_key) BETWEEN 1 AND 255),
  request_sha256 bytea NOT NULL, resource_id uuid NOT NULL, status int NOT NULL, response jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (tenant_id, idem_key));

CREATE TABLE checkpoint (job_id uuid REFERENCES job, step bigint, epoch bigint NOT NULL, lease_id uuid NOT NULL,
  manifest_key text NOT NULL UNIQUE, manifest_sha256 bytea NOT NULL, bytes bigint NOT NULL,
  state text NOT NULL DEFAULT 'LIVE' CHECK (state IN ('LIVE','CORRUPT','DELETING')),
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  tenant_id uuid NOT NULL,                          -- filled by a trigger, so that the commit statement need not name it
  metrics jsonb NOT NULL DEFAULT '{}', PRIMARY KEY (job_id, step, epoch));

CREATE FUNCTION job_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE d int;
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'VALIDATING' OR NEW.epoch <> 0 OR NEW.desired <> 'RUN' THEN
      RAISE check_violation USING MESSAGE = 'bad initial state'; END IF;
  ELSE
    IF (NEW.job_id, NEW.tenant_id, NEW.spec_sha256, NEW.gpus) IS DISTINCT FROM (OLD.job_id, OLD.tenant_id, OLD.spec_sha256, OLD.gpus)
      OR NEW.epoch < OLD.epoch OR NEW.ckpt_step < OLD.ckpt_step THEN
      RAISE check_violation USING MESSAGE = 'immutable or monotonic column changed'; END IF;
    IF OLD.desired = 'CANCEL' AND NEW.desired <> 'CANCEL' THEN
      RAISE check_violation USING MESSAGE = 'a cancel cannot be withdrawn'; END IF;
    IF NEW.lease_id IS NOT NULL AND NEW.lease_id IS DISTINCT FROM OLD.lease_id AND NEW.epoch <= OLD.epoch THEN
      RAISE check_violation USING MESSAGE = 'new lease needs a new epoch'; END IF;
    IF NEW.state = OLD.state THEN RETURN NEW; END IF;
    IF NOT EXISTS (SELECT 1 FROM job_transition t WHERE t.from_state = OLD.state AND t.to_state = NEW.state) THEN
      RAISE check_violation USING MESSAGE = format('illegal transition %s -> %s', OLD.state, NEW.state); END IF;
    d := (NEW.lease_id IS NOT NULL)::int - (OLD.lease_id IS NOT NULL)::int;
    IF d <> 0 THEN UPDATE tenant SET gpu_used = gpu_used + d * NEW.gpus WHERE tenant_id = NEW.tenant_id; END IF;
  END IF;
  NEW.event_seq := NEW.event_seq + 1;
  RETURN NEW;
END $$;

-- The message is the envelope of contracts.event with a job_changed in it.
CREATE FUNCTION job_record() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE message uuid := gen_random_uuid();
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.state = OLD.state THEN RETURN NULL; END IF;
  INSERT INTO job_event VALUES (NEW.job_id, NEW.event_seq, NEW.tenant_id,
    CASE WHEN TG_OP = 'UPDATE' THEN OLD.state END, NEW.state, NEW.epoch,
    coalesce(nullif(current_setting('app.actor', true), ''), current_user), DEFAULT);
  INSERT INTO outbox (msg_id, topic, msg_key, payload) VALUES (message, 'ts.jobs.v1', NEW.job_id::text, jsonb_build_object(
    'v', 1, 'id', message, 'at', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'payload', jsonb_build_object('type', 'job_changed', 'job', NEW.job_id, 'tenant', NEW.tenant_id, 'seq', NEW.event_seq,
      'from_state', CASE WHEN TG_OP = 'UPDATE' THEN lower(OLD.state::text) END,
      'to_state', lower(NEW.state::text), 'epoch', NEW.epoch)));
  IF TG_OP = 'UPDATE' AND OLD.lease_id IS NULL AND NEW.lease_id IS NOT NULL THEN
    INSERT INTO job_attempt VALUES (NEW.job_id, NEW.epoch, NEW.lease_id, NEW.tenant_id, NEW.lease_owner, NEW.gpus,
      NEW.ckpt_step, clock_timestamp());
  ELSIF TG_OP = 'UPDATE' AND OLD.lease_id IS NOT NULL AND NEW.lease_id IS NULL THEN
    UPDATE job_attempt SET owner = OLD.lease_owner, ended_at = clock_timestamp(), end_state = NEW.state,
      end_ckpt_step = NEW.ckpt_step, exit_class = nullif(current_setting('app.exit_class', true), '')
    WHERE job_id = OLD.job_id AND lease_id = OLD.lease_id;
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION checkpoint_tenant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  SELECT j.tenant_id INTO STRICT NEW.tenant_id FROM job j WHERE j.job_id = NEW.job_id;
  RETURN NEW;
END $$;

-- Hints for pollers, sent when the transaction commits. A lost hint costs one poll interval.
CREATE FUNCTION notify_channel() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify(TG_ARGV[0], '');
  RETURN NULL;
END $$;

CREATE TRIGGER job_guard BEFORE INSERT OR UPDATE ON job FOR EACH ROW EXECUTE FUNCTION job_guard();
CREATE TRIGGER job_record AFTER INSERT OR UPDATE ON job FOR EACH ROW EXECUTE FUNCTION job_record();
CREATE TRIGGER checkpoint_tenant BEFORE INSERT ON checkpoint FOR EACH ROW EXECUTE FUNCTION checkpoint_tenant();
CREATE TRIGGER job_wake AFTER INSERT OR UPDATE OF desired ON job FOR EACH STATEMENT EXECUTE FUNCTION notify_channel('job');
CREATE TRIGGER outbox_wake AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION notify_channel('outbox');

INSERT INTO job_transition VALUES
 ('VALIDATING','QUEUED'),('VALIDATING','FAILED'),('VALIDATING','CANCELLED'),
 ('QUEUED','LEASED'),('QUEUED','PAUSED'),('QUEUED','CANCELLED'),('QUEUED','FAILED'),
 ('LEASED','RUNNING'),('LEASED','QUEUED'),('LEASED','RETRY_WAIT'),('LEASED','CANCELLING'),('LEASED','FAILED'),
 ('RUNNING','FINALIZING'),('RUNNING','RETRY_WAIT'),('RUNNING','PAUSING'),('RUNNING','CANCELLING'),('RUNNING','FAILED'),
 ('PAUSING','PAUSED'),('PAUSING','RETRY_WAIT'),('PAUSING','CANCELLING'),('PAUSING','FAILED'),
 ('PAUSED','QUEUED'),('PAUSED','CANCELLED'),
 ('RETRY_WAIT','QUEUED'),('RETRY_WAIT','CANCELLED'),('RETRY_WAIT','FAILED'),
 ('FINALIZING','SUCCEEDED'),('FINALIZING','RETRY_WAIT'),('FINALIZING','FAILED'),('FINALIZING','CANCELLING'),
 ('CANCELLING','CANCELLED');

CALL isolate('job');
CALL isolate('job_attempt');
CALL isolate('job_event');
CALL isolate('idempotency');
CALL isolate('checkpoint');
CREATE POLICY retention ON idempotency FOR ALL TO ts_janitor USING (true);
CREATE POLICY retention ON checkpoint FOR ALL TO ts_janitor USING (true);

-- job_guard and job_record run with the caller's rights, so these grants are the whole truth.
GRANT SELECT, INSERT ON job, job_event, idempotency TO ts_api;
GRANT INSERT ON outbox TO ts_api;
GRANT SELECT ON checkpoint, job_attempt TO ts_api;
GRANT UPDATE (desired) ON job TO ts_api;
GRANT SELECT, INSERT, UPDATE ON job, job_attempt, checkpoint TO ts_scheduler;
GRANT SELECT, INSERT ON job_event, outbox, inbox TO ts_scheduler;
GRANT SELECT ON job_transition TO ts_scheduler;
GRANT SELECT, UPDATE (published_at) ON outbox TO ts_relay;
-- Retention: what is older than its promise. The sweeper of checkpoints first marks them DELETING.
GRANT SELECT, DELETE ON inbox, outbox, idempotency, checkpoint TO ts_janitor;
