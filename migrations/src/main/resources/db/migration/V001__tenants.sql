-- Organizations, tenants (projects), people and API keys, and the roles that every later file
-- grants to. Roles belong to the whole server, so creating one twice must do no harm.

DO $$
DECLARE r text;
BEGIN
  FOREACH r IN ARRAY ARRAY['ts_api', 'ts_scheduler', 'ts_relay', 'ts_janitor', 'ts_admin'] LOOP
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = r) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS', r);
    END IF;
  END LOOP;
END $$;

DO $$                                               -- the owner administrates by SET ROLE only
BEGIN
  IF current_setting('server_version_num')::int >= 160000 THEN
    EXECUTE format('GRANT ts_admin TO %I WITH SET TRUE, INHERIT FALSE', current_user);
  ELSE                                              -- before 16 a role inherits from all its roles or from none,
    EXECUTE format('GRANT ts_admin TO %I', current_user);   -- and the owner needs what the database's owner inherits
  END IF;
END $$;

-- Row-level security as every table with tenant_id has it: the API sees the tenant that its
-- transaction names and no other, the scheduler sees all that its grants allow.
CREATE PROCEDURE isolate(t regclass) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', t);
  EXECUTE format($f$CREATE POLICY iso ON %s FOR ALL TO ts_api
    USING      (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)$f$, t);
  EXECUTE format('CREATE POLICY control ON %s FOR ALL TO ts_scheduler USING (true) WITH CHECK (true)', t);
END $$;
REVOKE ALL ON PROCEDURE isolate(regclass) FROM PUBLIC;

CREATE TABLE organization (
  org_id uuid PRIMARY KEY, slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  name text NOT NULL, created_at timestamptz NOT NULL DEFAULT now());

CREATE TABLE tenant (                               -- one row per project; the isolation unit
  tenant_id uuid PRIMARY KEY, org_id uuid NOT NULL REFERENCES organization, name text NOT NULL UNIQUE,
  status text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE','SUSPENDED','DELETING')),
  gpu_quota int NOT NULL CHECK (gpu_quota >= 0), gpu_used int NOT NULL DEFAULT 0,
  strict_status boolean NOT NULL DEFAULT false,     -- paused is reported as queued: openai-api 8.4
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT quota_held CHECK (gpu_used BETWEEN 0 AND gpu_quota));

CREATE TABLE users (
  user_id uuid PRIMARY KEY, email text NOT NULL UNIQUE, name text NOT NULL,
  issuer text, subject text, created_at timestamptz NOT NULL DEFAULT now(), UNIQUE (issuer, subject));

CREATE TABLE tenant_member (
  tenant_id uuid NOT NULL REFERENCES tenant, user_id uuid NOT NULL REFERENCES users,
  role text NOT NULL CHECK (role IN ('owner','engineer','viewer')),
  created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (tenant_id, user_id));

CREATE TABLE api_key (key_id text PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES tenant, principal uuid NOT NULL,
  secret_mac bytea NOT NULL CHECK (octet_length(secret_mac) = 32), pepper_version int NOT NULL, scopes text[] NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(), expires_at timestamptz NOT NULL, revoked_at timestamptz,
  name text NOT NULL DEFAULT '', last_four text NOT NULL DEFAULT '' CHECK (length(last_four) IN (0, 4)),
  CHECK (expires_at <= created_at + interval '366 days'));
CREATE INDEX api_key_tenant ON api_key (tenant_id, created_at DESC);

CREATE TABLE audit_log (tenant_id uuid NOT NULL, seq bigint NOT NULL, actor text NOT NULL, action text NOT NULL,
  object text, detail jsonb NOT NULL DEFAULT '{}', at timestamptz NOT NULL DEFAULT clock_timestamp(),
  prev_sha256 bytea NOT NULL, sha256 bytea NOT NULL, PRIMARY KEY (tenant_id, seq));

CALL isolate('tenant');
CALL isolate('tenant_member');
CALL isolate('api_key');
CALL isolate('audit_log');

-- The tenant of a caller is found by its key, before any tenant is known: a transaction that names
-- a key id may read that one row.
CREATE POLICY presented ON api_key FOR SELECT TO ts_api
  USING (key_id = nullif(current_setting('app.key_id', true), ''));

CREATE POLICY admin ON tenant FOR ALL TO ts_admin USING (true) WITH CHECK (true);
CREATE POLICY admin ON tenant_member FOR ALL TO ts_admin USING (true) WITH CHECK (true);
CREATE POLICY admin ON api_key FOR ALL TO ts_admin USING (true) WITH CHECK (true);

GRANT SELECT ON organization, tenant, users, tenant_member TO ts_api;
GRANT SELECT, INSERT ON api_key TO ts_api;
GRANT UPDATE (revoked_at) ON api_key TO ts_api;
GRANT SELECT, INSERT ON audit_log TO ts_api;
GRANT SELECT ON organization TO ts_scheduler;
GRANT SELECT, UPDATE (gpu_used) ON tenant TO ts_scheduler;
GRANT SELECT, INSERT ON organization, users, tenant_member, tenant TO ts_admin;
GRANT UPDATE (name, status, gpu_quota, strict_status) ON tenant TO ts_admin;
GRANT DELETE ON tenant_member TO ts_admin;
GRANT SELECT, INSERT ON api_key TO ts_admin;
GRANT UPDATE (revoked_at, expires_at) ON api_key TO ts_admin;
