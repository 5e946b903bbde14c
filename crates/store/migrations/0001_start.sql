-- One text for both databases. The runner writes BYTES as BLOB (SQLite) or BYTEA (PostgreSQL), and on PostgreSQL TEXT as
-- TEXT COLLATE "C", so that both compare and sort by bytes. Times are microseconds; ids and JSON are TEXT.

-- One row: the lock of whatever belongs to no organization, and which organization is the default one.
CREATE TABLE installation (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    writes BIGINT NOT NULL,
    default_organization TEXT
);
INSERT INTO installation (id, writes) VALUES (1, 0);

CREATE TABLE keyring (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    check_value BYTES NOT NULL,
    sealed BYTES NOT NULL
);

-- The change feed: pointers and never payloads. The head row is what every writer takes last.
CREATE TABLE feed_head (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    epoch BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    nonce BYTES NOT NULL
);
CREATE TABLE changes (
    epoch BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    n BIGINT NOT NULL,
    organization_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    object_id TEXT NOT NULL,
    nonce BYTES NOT NULL,
    PRIMARY KEY (epoch, seq, n)
);

CREATE TABLE audit_heads (
    chain TEXT PRIMARY KEY,
    seq BIGINT NOT NULL,
    mac BYTES NOT NULL
);
-- `entry` is what the MAC covers; the columns beside it are for finding and are compared with it when a chain is verified.
CREATE TABLE audit_entries (
    chain TEXT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    action TEXT NOT NULL,
    object_kind TEXT NOT NULL,
    object_id TEXT NOT NULL,
    entry TEXT NOT NULL,
    mac BYTES NOT NULL,
    PRIMARY KEY (chain, seq)
);
CREATE INDEX audit_entries_by_object ON audit_entries (object_id, chain, seq);

-- `writes` is the tenant's lock: the first statement of each of its transactions raises it.
CREATE TABLE organizations (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    search TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    key_prefix TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    writes BIGINT NOT NULL
);

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    email_search TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE TABLE memberships (
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, user_id)
);

CREATE TABLE apis (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    search TEXT NOT NULL,
    hosts TEXT NOT NULL,
    base_paths TEXT NOT NULL,
    unlisted_paths BIGINT NOT NULL,
    manual_url TEXT,
    kind TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    UNIQUE (organization_id, slug)
);
CREATE TABLE api_operations (
    api_id TEXT NOT NULL REFERENCES apis (id),
    position BIGINT NOT NULL,
    name TEXT NOT NULL,
    method TEXT NOT NULL,
    template TEXT NOT NULL,
    multi_segment TEXT NOT NULL,
    summary TEXT NOT NULL,
    tags TEXT NOT NULL,
    search TEXT NOT NULL,
    PRIMARY KEY (api_id, position)
);
CREATE TABLE api_sets (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    search TEXT NOT NULL,
    kind TEXT NOT NULL,
    apis TEXT NOT NULL,
    operations TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    UNIQUE (organization_id, slug)
);

-- `record` is the key; the columns beside id, digest and record are for finding and are never read back.
CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    digest BYTES NOT NULL,
    record TEXT NOT NULL,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    owner TEXT NOT NULL,
    name_search TEXT NOT NULL,
    search TEXT NOT NULL,
    environment TEXT NOT NULL,
    not_before BIGINT,
    expires_at BIGINT,
    disabled_at BIGINT,
    deleted_at BIGINT,
    external_id TEXT,
    creator TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX keys_by_creation ON keys (organization_id, created_at, id);
CREATE UNIQUE INDEX keys_by_name ON keys (organization_id, owner, name_search) WHERE deleted_at IS NULL;
CREATE INDEX keys_by_external_id ON keys (organization_id, external_id) WHERE external_id IS NOT NULL;

-- Every value a key ever had: current, overlapping or ended. The primary key is why none is ever issued again.
CREATE TABLE key_digests (
    digest BYTES PRIMARY KEY,
    key_id TEXT NOT NULL REFERENCES keys (id),
    standing TEXT NOT NULL,
    hint TEXT NOT NULL,
    ends_at BIGINT
);
CREATE INDEX key_digests_old ON key_digests (key_id) WHERE standing <> 'current';

-- Which living keys hold which sets.
CREATE TABLE key_api_sets (
    api_set_id TEXT NOT NULL REFERENCES api_sets (id),
    key_id TEXT NOT NULL REFERENCES keys (id),
    PRIMARY KEY (api_set_id, key_id)
);
CREATE INDEX key_api_sets_by_key ON key_api_sets (key_id);
-- Which living keys name operations of which APIs.
CREATE TABLE key_apis (
    api_id TEXT NOT NULL REFERENCES apis (id),
    key_id TEXT NOT NULL REFERENCES keys (id),
    PRIMARY KEY (api_id, key_id)
);
CREATE INDEX key_apis_by_key ON key_apis (key_id);

-- Usage has no part in feed and audit. Sightings are JSON; the instants beside them decide which is newer.
CREATE TABLE key_usage (
    key_id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL,
    last_used_at BIGINT,
    last_used TEXT,
    old_last_used_at BIGINT,
    last_refused_at BIGINT,
    last_refused TEXT
);
CREATE TABLE usage_counts (
    organization_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    hour BIGINT NOT NULL,
    door TEXT NOT NULL,
    code TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (key_id, hour, door, code)
);
-- The diagnostic log; `subject` is the key's id, or empty where no key is known.
CREATE TABLE refusals (
    organization_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    at BIGINT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (organization_id, subject, at, id)
);
