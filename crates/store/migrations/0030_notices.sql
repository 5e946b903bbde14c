-- Which notices go to whom, of organizations that have changed that.
CREATE TABLE notice_settings (
    organization_id TEXT PRIMARY KEY REFERENCES organizations (id),
    record TEXT NOT NULL
);
-- What people were told of: each threshold of an object once to each recipient. With an empty recipient: that the threshold was
-- dealt with, whoever was told.
CREATE TABLE notices (
    object_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    threshold TEXT NOT NULL,
    recipient TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    mail_id TEXT,
    UNIQUE (object_id, kind, threshold, recipient)
);
CREATE INDEX notices_by_age ON notices (at);
-- How far the audit chain of each organization was looked through for what people are told of.
CREATE TABLE notice_cursors (
    chain TEXT PRIMARY KEY,
    seq BIGINT NOT NULL
);
