-- What was found in the data of a job and what its run is estimated to take, and the file that lists
-- every finding; both written with the verdict. An operator may set what a million trained tokens of
-- a tenant cost; otherwise the price of the platform counts, which is a setting of the scheduler.

ALTER TABLE job ADD COLUMN survey jsonb, ADD COLUMN findings_file uuid;

ALTER TABLE tenant
  ADD COLUMN token_price numeric CHECK (token_price >= 0),
  ADD COLUMN token_currency text CHECK (length(token_currency) BETWEEN 1 AND 16),
  ADD CONSTRAINT price_has_currency CHECK ((token_price IS NULL) = (token_currency IS NULL));
GRANT UPDATE (token_price, token_currency) ON tenant TO ts_admin;
