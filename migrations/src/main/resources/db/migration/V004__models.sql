-- Models that can be trained from or served. A row without a tenant belongs to the platform: every
-- tenant may read it, only an operator may write it. Names are unique within their owner.

CREATE TABLE model_version (
  version_id uuid PRIMARY KEY, tenant_id uuid REFERENCES tenant,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 300),   -- ft:base:org:suffix:id for tuned ones
  kind text NOT NULL CHECK (kind IN ('base','adapter','merged')),
  base_version_id uuid REFERENCES model_version,    -- what an adapter sits on, or a merged model came from
  job_id uuid, step bigint,                         -- where it was trained, if here
  object_prefix text NOT NULL, manifest_key text NOT NULL, manifest_sha256 bytea NOT NULL CHECK (octet_length(manifest_sha256) = 32),
  bytes bigint NOT NULL CHECK (bytes >= 0),
  facts jsonb NOT NULL DEFAULT '{}', sampling_defaults jsonb NOT NULL DEFAULT '{}', metrics jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(), deleted_at timestamptz,
  FOREIGN KEY (tenant_id, job_id) REFERENCES job (tenant_id, job_id),
  CONSTRAINT adapter_has_base CHECK (kind <> 'adapter' OR base_version_id IS NOT NULL),
  CONSTRAINT platform_has_no_job CHECK (tenant_id IS NOT NULL OR job_id IS NULL));
CREATE UNIQUE INDEX model_version_name ON model_version (tenant_id, name) NULLS NOT DISTINCT WHERE deleted_at IS NULL;
CREATE INDEX model_version_job ON model_version (job_id);

CALL isolate('model_version');
CREATE POLICY platform_read ON model_version FOR SELECT TO ts_api USING (tenant_id IS NULL);
CREATE POLICY platform_insert ON model_version FOR INSERT TO ts_api
  WITH CHECK (tenant_id IS NULL AND current_setting('app.operator', true) = 'on');
CREATE POLICY platform_update ON model_version FOR UPDATE TO ts_api
  USING (tenant_id IS NULL AND current_setting('app.operator', true) = 'on');

GRANT SELECT, INSERT ON model_version TO ts_api;
GRANT UPDATE (deleted_at) ON model_version TO ts_api;
GRANT SELECT, INSERT ON model_version TO ts_scheduler;
