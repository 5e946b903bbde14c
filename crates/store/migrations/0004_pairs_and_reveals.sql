-- A pair's identifier: found by its digest, and sealed because the digest of its next password covers it. The row outlives
-- its key, so that no identifier is issued twice.
CREATE TABLE key_identifiers (
    key_id TEXT PRIMARY KEY REFERENCES keys (id),
    digest BYTES NOT NULL UNIQUE,
    sealed BYTES NOT NULL
);

-- Secrets that can be revealed, sealed. A key without a row is one whose secret was shown once.
CREATE TABLE key_reveals (
    key_id TEXT PRIMARY KEY REFERENCES keys (id),
    organization_id TEXT NOT NULL,
    owner_kind TEXT NOT NULL,
    sealed BYTES NOT NULL
);
CREATE INDEX key_reveals_by_organization ON key_reveals (organization_id, owner_kind);
