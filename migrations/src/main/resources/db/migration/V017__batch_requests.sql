-- A batch whose client asks for it twice, because it did not see the first answer, is one batch; and
-- the tokens that wait in the batches of a project have a limit for each model.

ALTER TABLE batch
  ADD COLUMN principal uuid, ADD COLUMN request_sha256 bytea,
  ADD COLUMN queued_tokens bigint NOT NULL DEFAULT 0 CHECK (queued_tokens >= 0);
CREATE INDEX batch_request ON batch (tenant_id, request_sha256);
CREATE INDEX batch_queue ON batch (tenant_id, model) WHERE finished_at IS NULL;
