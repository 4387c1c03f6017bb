-- Batches: many requests to a model in one file, answered by workers inside the API. A worker holds
-- the lease of a batch while it answers one part of it; next_byte and next_line say where the next
-- part begins, and move only under the lease.

CREATE TABLE batch (
  batch_id uuid PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES tenant,
  state text NOT NULL DEFAULT 'VALIDATING' CHECK (state IN
    ('VALIDATING','FAILED','IN_PROGRESS','FINALIZING','COMPLETED','EXPIRED','CANCELLING','CANCELLED')),
  endpoint text NOT NULL, input_file uuid NOT NULL, metadata jsonb NOT NULL DEFAULT '{}',
  keep_seconds bigint CHECK (keep_seconds > 0),     -- how long the result files are kept
  model text, errors jsonb NOT NULL DEFAULT '[]',
  input_key text, input_bytes bigint,               -- known once the input has been read
  total int NOT NULL DEFAULT 0, completed int NOT NULL DEFAULT 0, failed int NOT NULL DEFAULT 0,
  input_tokens bigint NOT NULL DEFAULT 0, output_tokens bigint NOT NULL DEFAULT 0,
  next_byte bigint NOT NULL DEFAULT 0, next_line int NOT NULL DEFAULT 1,
  output_file uuid, error_file uuid,
  lease_id uuid, lease_expires_at timestamptz, served_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(), expires_at timestamptz NOT NULL,
  in_progress_at timestamptz, finalizing_at timestamptz, cancelling_at timestamptz, finished_at timestamptz,
  UNIQUE (tenant_id, batch_id),
  CONSTRAINT finished_iff_terminal CHECK
    ((state IN ('FAILED','COMPLETED','EXPIRED','CANCELLED')) = (finished_at IS NOT NULL)),
  CONSTRAINT no_more_than_all CHECK (completed + failed <= total));
CREATE INDEX batch_open ON batch (served_at NULLS FIRST, created_at) WHERE finished_at IS NULL;
CREATE INDEX batch_page ON batch (tenant_id, batch_id DESC);

CALL isolate('batch');
-- A worker finds out which tenants have something to do before it knows any of them: a transaction
-- that says so may read, and only read, what has not ended.
CREATE POLICY waiting ON batch FOR SELECT TO ts_api
  USING (finished_at IS NULL AND current_setting('app.batches', true) = 'on');
CREATE POLICY retention ON batch FOR ALL TO ts_janitor USING (true);

GRANT SELECT, INSERT, UPDATE ON batch TO ts_api;
GRANT SELECT ON batch TO ts_scheduler;              -- to sweep parts of batches that have ended
GRANT SELECT, DELETE ON batch TO ts_janitor;
CREATE TRIGGER audit_made AFTER INSERT ON batch
  FOR EACH ROW EXECUTE FUNCTION audit_change('batch.created', 'batch_id', 'input_file');
CREATE TRIGGER audit_cancelled AFTER UPDATE OF cancelling_at ON batch
  FOR EACH ROW WHEN (OLD.cancelling_at IS NULL AND NEW.cancelling_at IS NOT NULL)
  EXECUTE FUNCTION audit_change('batch.cancelled', 'batch_id');
