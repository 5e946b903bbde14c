-- Facts of a key's record by which keys that nobody uses are found: where the idle clock begins at the earliest, and
-- whether it never does (1).
ALTER TABLE keys ADD COLUMN idle_from BIGINT;
ALTER TABLE keys ADD COLUMN idle_exempt BIGINT;
