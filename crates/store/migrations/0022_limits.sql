-- Limits of applications and API sets, as JSON; empty: none. Those of keys stand in their records.
ALTER TABLE applications ADD COLUMN limits TEXT;
ALTER TABLE api_sets ADD COLUMN limits TEXT;
