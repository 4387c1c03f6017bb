-- What the API needs beyond the tables: pages ordered by id (ids sort by the time they were made),
-- and the findings of the check at upload, which a file answers with.

ALTER TABLE file ADD COLUMN report jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(report) = 'object');

CREATE INDEX file_page ON file (tenant_id, file_id DESC) WHERE deleted_at IS NULL;
CREATE INDEX file_object ON file (tenant_id, object_key) WHERE deleted_at IS NULL;
CREATE INDEX job_page ON job (tenant_id, job_id DESC);
CREATE INDEX job_blind ON job (tenant_id, request_sha256, created_at) WHERE request_sha256 IS NOT NULL;
