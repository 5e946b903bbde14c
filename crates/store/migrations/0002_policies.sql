-- The rules of organizations for their keys. One without a row has the defaults.
CREATE TABLE policies (
    organization_id TEXT PRIMARY KEY REFERENCES organizations (id),
    record TEXT NOT NULL
);
