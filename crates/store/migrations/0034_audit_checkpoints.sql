-- Where an audit chain begins whose older entries were removed: number and MAC of the last of them, when it was written, when they were
-- last removed, and the MAC over all that.
CREATE TABLE audit_checkpoints (
    chain TEXT PRIMARY KEY,
    seq BIGINT NOT NULL,
    mac BYTES NOT NULL,
    until BIGINT NOT NULL,
    removed_at BIGINT NOT NULL,
    seal BYTES NOT NULL
);
