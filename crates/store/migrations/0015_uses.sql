-- Who writes usage, and the number of the last batch: one whose COMMIT was lost on the way is written again and counted once.
CREATE TABLE usage_writers (
    id TEXT PRIMARY KEY,
    batch BIGINT NOT NULL,
    written_at BIGINT NOT NULL
);

-- Up to when all uses that a node saw are written, by the node's own clock; empty before the first time.
ALTER TABLE nodes ADD COLUMN uses_written_to BIGINT;
