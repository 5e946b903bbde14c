-- Roles: what people may do, and up to what bound. Those that came with the program have their authorities there; their
-- ids are the organization's with another first digit, so that they can be made here for organizations that are there.
CREATE TABLE roles (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    search TEXT NOT NULL,
    predefined BIGINT NOT NULL,
    authorities TEXT NOT NULL,
    levels TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    UNIQUE (organization_id, slug)
);
INSERT INTO roles (id, organization_id, slug, name, search, predefined, authorities, levels, created_at, updated_at, version)
SELECT 'rol_1' || substr(id, 6), id, 'admin', 'Admin', 'admin
admin', 1, '[]', '{}', created_at, created_at, 1 FROM organizations;
INSERT INTO roles (id, organization_id, slug, name, search, predefined, authorities, levels, created_at, updated_at, version)
SELECT 'rol_2' || substr(id, 6), id, 'key-manager', 'Key manager', 'key manager
key-manager', 1, '[]', '{}', created_at, created_at, 1 FROM organizations;
INSERT INTO roles (id, organization_id, slug, name, search, predefined, authorities, levels, created_at, updated_at, version)
SELECT 'rol_3' || substr(id, 6), id, 'developer', 'Developer', 'developer
developer', 1, '[]', '{}', created_at, created_at, 1 FROM organizations;
INSERT INTO roles (id, organization_id, slug, name, search, predefined, authorities, levels, created_at, updated_at, version)
SELECT 'rol_4' || substr(id, 6), id, 'auditor', 'Auditor', 'auditor
auditor', 1, '[]', '{}', created_at, created_at, 1 FROM organizations;

-- A person. Those who have accepted no invitation yet have their id behind the address in `email_search`: whoever invites an
-- address cannot learn whether somebody is known by it.
ALTER TABLE users ADD COLUMN language TEXT NOT NULL DEFAULT 'en';
ALTER TABLE users ADD COLUMN time_zone TEXT NOT NULL DEFAULT 'UTC';

-- What a person is in an organization. `roles` is what counts, `member_roles` is for finding; `disabled` and `locked` are
-- JSON texts, `accepted_at` is empty for who is invited.
ALTER TABLE memberships ADD COLUMN email_search TEXT NOT NULL DEFAULT '';
ALTER TABLE memberships ADD COLUMN username TEXT NOT NULL DEFAULT '';
ALTER TABLE memberships ADD COLUMN username_search TEXT NOT NULL DEFAULT '';
ALTER TABLE memberships ADD COLUMN search TEXT NOT NULL DEFAULT '';
ALTER TABLE memberships ADD COLUMN roles TEXT NOT NULL DEFAULT '[]';
ALTER TABLE memberships ADD COLUMN disabled TEXT;
ALTER TABLE memberships ADD COLUMN locked TEXT;
ALTER TABLE memberships ADD COLUMN account_expires_at BIGINT;
ALTER TABLE memberships ADD COLUMN accepted_at BIGINT;
ALTER TABLE memberships ADD COLUMN created_by TEXT NOT NULL DEFAULT '{"type":"operator","id":null,"name":null}';
ALTER TABLE memberships ADD COLUMN updated_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE memberships ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
CREATE TABLE member_roles (
    role_id TEXT NOT NULL REFERENCES roles (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    PRIMARY KEY (role_id, user_id)
);
-- Members that are there were made by `setup` or by the operator, each the first one of an organization.
UPDATE memberships SET
    email_search = (SELECT email_search FROM users WHERE users.id = user_id),
    username = (SELECT email FROM users WHERE users.id = user_id),
    username_search = (SELECT email_search FROM users WHERE users.id = user_id),
    search = (SELECT email_search FROM users WHERE users.id = user_id),
    roles = '["rol_1' || substr(organization_id, 6) || '"]',
    accepted_at = created_at,
    updated_at = created_at;
INSERT INTO member_roles (role_id, user_id) SELECT 'rol_1' || substr(organization_id, 6), user_id FROM memberships;
CREATE UNIQUE INDEX memberships_by_email ON memberships (organization_id, email_search);
CREATE UNIQUE INDEX memberships_by_username ON memberships (organization_id, username_search);
CREATE INDEX memberships_by_user ON memberships (user_id);

-- Sets of the built-in API that came with people; the same trick as with roles.
INSERT INTO api_sets (id, organization_id, slug, name, search, kind, apis, operations, created_at, updated_at, version)
SELECT 'set_1' || substr(organization_id, 6), organization_id, 'claviger-own-keys', 'Claviger: one''s own keys',
    'claviger: one''s own keys
claviger-own-keys', 'built_in', '["' || id || '"]', '[]', created_at, created_at, 1 FROM apis WHERE kind = 'built_in';
INSERT INTO api_sets (id, organization_id, slug, name, search, kind, apis, operations, created_at, updated_at, version)
SELECT 'set_2' || substr(organization_id, 6), organization_id, 'claviger-users-write', 'Claviger: manage users and roles',
    'claviger: manage users and roles
claviger-users-write', 'built_in', '["' || id || '"]', '[]', created_at, created_at, 1 FROM apis WHERE kind = 'built_in';
INSERT INTO api_sets (id, organization_id, slug, name, search, kind, apis, operations, created_at, updated_at, version)
SELECT 'set_3' || substr(organization_id, 6), organization_id, 'claviger-audit-read', 'Claviger: read everything',
    'claviger: read everything
claviger-audit-read', 'built_in', '["' || id || '"]', '[]', created_at, created_at, 1 FROM apis WHERE kind = 'built_in';
