-- Roles: what people may do, and up to what bound. Those that came with the program have their authorities there; their
-- ids are the organization's with another first digit, so that they can be made in SQL for organizations that are there.
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
