-- What requests are counted by beside their keys, each for itself: `kind` says what `subject` names, `all` an organization's requests
-- as a whole. The columns stand in the order in which a span of time is read and trimmed.
CREATE TABLE usage_minutes (
    organization_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    at BIGINT NOT NULL,
    subject TEXT NOT NULL,
    code TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (organization_id, kind, at, subject, code)
);
CREATE TABLE usage_hours (
    organization_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    at BIGINT NOT NULL,
    subject TEXT NOT NULL,
    code TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (organization_id, kind, at, subject, code)
);
-- By key too, whose hours stand in usage_counts. Days are UTC's.
CREATE TABLE usage_days (
    organization_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    at BIGINT NOT NULL,
    subject TEXT NOT NULL,
    code TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (organization_id, kind, at, subject, code)
);

-- The last day on which a key used a right: an operation of an API, with an empty name a path that it does not list, or a set that
-- a door required.
CREATE TABLE key_rights (
    key_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    operation TEXT NOT NULL,
    day BIGINT NOT NULL,
    PRIMARY KEY (key_id, subject, operation)
);
-- Since when it is written down what keys use. One row.
CREATE TABLE usage_since (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    at BIGINT NOT NULL
);
