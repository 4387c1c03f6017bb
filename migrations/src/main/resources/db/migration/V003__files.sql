-- Files as users uploaded them, and the immutable datasets that passed validation. A dataset is
-- found by its hash within one tenant; it never crosses tenants.

CREATE TABLE dataset (
  tenant_id uuid NOT NULL REFERENCES tenant, sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
  object_key text NOT NULL, bytes bigint NOT NULL CHECK (bytes >= 0),
  format text NOT NULL, row_count bigint NOT NULL CHECK (row_count >= 0),
  stats jsonb NOT NULL DEFAULT '{}', created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (tenant_id, sha256));

CREATE TABLE file (
  file_id uuid PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES tenant,
  purpose text NOT NULL, filename text NOT NULL, bytes bigint NOT NULL CHECK (bytes >= 0),
  sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32), object_key text NOT NULL,
  state text NOT NULL DEFAULT 'UPLOADED' CHECK (state IN ('UPLOADED','PROCESSED','ERROR')),
  status_details text, format text, row_count bigint,
  created_at timestamptz NOT NULL DEFAULT now(), processed_at timestamptz, expires_at timestamptz, deleted_at timestamptz,
  UNIQUE (tenant_id, file_id),
  CONSTRAINT details_iff_error CHECK ((state = 'ERROR') = (status_details IS NOT NULL)),
  CONSTRAINT processed_iff_done CHECK ((state = 'UPLOADED') = (processed_at IS NULL)));
CREATE INDEX file_list ON file (tenant_id, created_at DESC, file_id) WHERE deleted_at IS NULL;
CREATE INDEX file_waiting ON file (created_at) WHERE state = 'UPLOADED' AND deleted_at IS NULL;
CREATE TRIGGER file_wake AFTER INSERT ON file FOR EACH STATEMENT EXECUTE FUNCTION notify_channel('job');

CALL isolate('dataset');
CALL isolate('file');

GRANT SELECT, INSERT ON file, dataset TO ts_api;
GRANT UPDATE (deleted_at) ON file TO ts_api;
GRANT SELECT, INSERT ON dataset TO ts_scheduler;
GRANT SELECT ON file TO ts_scheduler;
GRANT UPDATE (state, status_details, format, row_count, processed_at, object_key) ON file TO ts_scheduler;
