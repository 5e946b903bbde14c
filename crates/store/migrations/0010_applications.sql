-- What keys of applications of a type may do at the most; a set that a type names cannot be deleted.
CREATE TABLE application_types (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    search TEXT NOT NULL,
    sign_in TEXT NOT NULL,
    api_sets TEXT NOT NULL,
    predefined BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    UNIQUE (organization_id, slug)
);
CREATE TABLE application_type_sets (
    api_set_id TEXT NOT NULL REFERENCES api_sets (id),
    type_id TEXT NOT NULL REFERENCES application_types (id),
    PRIMARY KEY (api_set_id, type_id)
);
CREATE INDEX application_type_sets_by_type ON application_type_sets (type_id);

-- External systems that own keys. One that is inactive has a JSON text in `disabled`.
CREATE TABLE applications (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    type_id TEXT NOT NULL REFERENCES application_types (id),
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    name_search TEXT NOT NULL,
    search TEXT NOT NULL,
    disabled TEXT,
    ip_list TEXT,
    public_url TEXT,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    UNIQUE (organization_id, slug),
    UNIQUE (organization_id, type_id, name_search)
);

-- For finding keys by a tag: each between two marks.
ALTER TABLE keys ADD COLUMN tags TEXT;
