-- What was seen of keys that people are told of: the networks that each was used from, and the last use of a secret that was rotated
-- out. What nobody was told of yet waits.
CREATE TABLE key_sightings (
    key_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    sighting TEXT NOT NULL,
    waits_since BIGINT,
    PRIMARY KEY (key_id, kind, subject)
);
CREATE INDEX key_sightings_waiting ON key_sightings (organization_id, waits_since) WHERE waits_since IS NOT NULL;
