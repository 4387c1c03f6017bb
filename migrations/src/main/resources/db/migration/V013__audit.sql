-- Who changed what, as a chain of hashes per tenant: each row is made in the transaction of the
-- change itself, by triggers, so that none can be forgotten; a change whose row cannot be written
-- does not happen. Nobody may change or delete a row, and a row that was changed all the same breaks
-- the chain (audit_fault names the first one).

CREATE FUNCTION audit_hash(prev bytea, a audit_log) RETURNS bytea LANGUAGE sql STABLE AS $$
  SELECT sha256(prev || convert_to(jsonb_build_array(a.tenant_id, a.seq, a.actor, a.action, a.object, a.detail,
    extract(epoch FROM a.at))::text, 'UTF8'))
$$;

CREATE FUNCTION audit_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE last record;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(NEW.tenant_id::text, 13));
  SELECT a.seq, a.sha256 INTO last FROM audit_log a WHERE a.tenant_id = NEW.tenant_id ORDER BY a.seq DESC LIMIT 1;
  NEW.seq := coalesce(last.seq, 0) + 1;
  NEW.prev_sha256 := coalesce(last.sha256, '\x');
  NEW.sha256 := audit_hash(NEW.prev_sha256, NEW);
  RETURN NEW;
END $$;
CREATE TRIGGER audit_chain BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION audit_chain();

-- The seq of the first row of a tenant that does not follow from the one before it; null if all do.
CREATE FUNCTION audit_fault(tenant uuid) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT min(seq) FROM (
    SELECT a.seq, a.sha256 = audit_hash(a.prev_sha256, a)
        AND a.seq = row_number() OVER w
        AND a.prev_sha256 = coalesce(lag(a.sha256) OVER w, '\x') AS good
    FROM audit_log a WHERE a.tenant_id = tenant WINDOW w AS (ORDER BY a.seq)) checked
  WHERE NOT good
$$;

-- TG_ARGV: name of the action, columns of the row that name its object. app.context holds what the
-- service knows of the request: its id and where it came from.
CREATE FUNCTION audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE fresh jsonb := to_jsonb(NEW); tenant uuid; action text := TG_ARGV[0];
BEGIN
  tenant := coalesce((fresh ->> 'tenant_id')::uuid, nullif(current_setting('app.tenant', true), '')::uuid);
  IF tenant IS NULL THEN RETURN NULL; END IF;          -- a row of the platform, written without any tenant
  IF action = 'job.wanted' THEN
    action := CASE fresh ->> 'desired' WHEN 'RUN' THEN 'job.resume' WHEN 'PAUSE' THEN 'job.pause' ELSE 'job.cancel' END;
  END IF;
  INSERT INTO audit_log (tenant_id, seq, actor, action, object, detail, prev_sha256, sha256)
  VALUES (tenant, 0, coalesce(nullif(current_setting('app.actor', true), ''), current_user), action,
    coalesce(fresh ->> TG_ARGV[1], ''),
    coalesce(nullif(current_setting('app.context', true), ''), '{}')::jsonb
      || CASE WHEN TG_ARGV[2] IS NULL THEN '{}' ELSE jsonb_build_object(TG_ARGV[2], fresh -> TG_ARGV[2]) END,
    '\x', '\x');
  RETURN NULL;
END $$;

CREATE TRIGGER audit_made AFTER INSERT ON job
  FOR EACH ROW EXECUTE FUNCTION audit_change('job.created', 'job_id', 'base_model');
CREATE TRIGGER audit_wanted AFTER UPDATE OF desired ON job
  FOR EACH ROW WHEN (OLD.desired <> NEW.desired) EXECUTE FUNCTION audit_change('job.wanted', 'job_id');
CREATE TRIGGER audit_made AFTER INSERT ON file
  FOR EACH ROW EXECUTE FUNCTION audit_change('file.created', 'file_id', 'purpose');
CREATE TRIGGER audit_deleted AFTER UPDATE OF deleted_at ON file
  FOR EACH ROW WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)
  EXECUTE FUNCTION audit_change('file.deleted', 'file_id');
CREATE TRIGGER audit_made AFTER INSERT ON model_version
  FOR EACH ROW EXECUTE FUNCTION audit_change('model.created', 'name', 'kind');
CREATE TRIGGER audit_deleted AFTER UPDATE OF deleted_at ON model_version
  FOR EACH ROW WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)
  EXECUTE FUNCTION audit_change('model.deleted', 'name');
CREATE TRIGGER audit_made AFTER INSERT ON api_key
  FOR EACH ROW EXECUTE FUNCTION audit_change('api_key.created', 'key_id', 'scopes');
CREATE TRIGGER audit_revoked AFTER UPDATE OF revoked_at ON api_key
  FOR EACH ROW WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL)
  EXECUTE FUNCTION audit_change('api_key.revoked', 'key_id');

CREATE POLICY admin ON audit_log FOR ALL TO ts_admin USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON audit_log TO ts_scheduler, ts_admin;
