-- Work on files of rows that needs a tokenizer or takes long: the API asks, the scheduler sends, a
-- trainer host does it. The API may change nothing but the wish to cancel.

CREATE TABLE data_task (
  task_id uuid PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES tenant,
  state text NOT NULL DEFAULT 'QUEUED' CHECK (state IN ('QUEUED','SENT','SUCCEEDED','FAILED','CANCELLED')),
  cancelled boolean NOT NULL DEFAULT false,
  file_id uuid NOT NULL, validation_id uuid, model text, wish jsonb NOT NULL,
  result jsonb, error text, result_files uuid[] NOT NULL DEFAULT '{}',
  sends int NOT NULL DEFAULT 0, sent_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(), finished_at timestamptz,
  UNIQUE (tenant_id, task_id),
  CONSTRAINT finished_iff_terminal CHECK ((state IN ('SUCCEEDED','FAILED','CANCELLED')) = (finished_at IS NOT NULL)),
  CONSTRAINT error_iff_failed CHECK ((state = 'FAILED') = (error IS NOT NULL)));
CREATE INDEX data_task_open ON data_task (created_at) WHERE finished_at IS NULL;
CREATE INDEX data_task_tenant ON data_task (tenant_id) WHERE finished_at IS NULL;
CREATE TRIGGER data_task_wake AFTER INSERT OR UPDATE OF cancelled ON data_task
  FOR EACH STATEMENT EXECUTE FUNCTION notify_channel('job');

CALL isolate('data_task');
CREATE POLICY retention ON data_task FOR ALL TO ts_janitor USING (true);

GRANT SELECT, INSERT ON data_task TO ts_api;
GRANT UPDATE (cancelled) ON data_task TO ts_api;
GRANT SELECT, UPDATE ON data_task TO ts_scheduler;
GRANT SELECT, DELETE ON data_task TO ts_janitor;
CREATE TRIGGER audit_made AFTER INSERT ON data_task
  FOR EACH ROW EXECUTE FUNCTION audit_change('data_task.created', 'task_id', 'file_id');
