-- The files that a job leaves behind: its metrics, listed as result_files. The scheduler adds their
-- rows in the transaction in which the job succeeds, and may add rows for nothing else.

ALTER TABLE job ADD COLUMN result_files uuid[] NOT NULL DEFAULT '{}';

GRANT INSERT ON file TO ts_scheduler;
CREATE POLICY results_only ON file AS RESTRICTIVE FOR INSERT TO ts_scheduler
  WITH CHECK (purpose = 'fine-tune-results');
