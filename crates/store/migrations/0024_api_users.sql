-- Which fields applications of a type have, and what is stored of an application's password: JSON texts; empty: as by default,
-- and none.
ALTER TABLE application_types ADD COLUMN fields TEXT;
ALTER TABLE applications ADD COLUMN password TEXT;

-- Users who sign in under an application. `disabled` and `contact` are JSON texts, or empty. `static_token` is the keyed digest
-- of a token that needs no sign-in, as a JSON text.
CREATE TABLE api_users (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    application_id TEXT NOT NULL REFERENCES applications (id),
    user_name TEXT NOT NULL,
    name_search TEXT NOT NULL,
    search TEXT NOT NULL,
    disabled TEXT,
    permission_type BIGINT NOT NULL,
    contact TEXT,
    profile_user_id TEXT NOT NULL,
    profile_external TEXT,
    sign_in_method TEXT NOT NULL,
    language TEXT NOT NULL,
    static_token TEXT,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    last_sign_in_at BIGINT,
    last_sign_out_at BIGINT,
    preferences TEXT,
    UNIQUE (application_id, name_search)
);
CREATE INDEX api_users_by_organization ON api_users (organization_id);
CREATE INDEX api_users_by_profile ON api_users (profile_user_id);

-- Their passwords, as PHC strings.
CREATE TABLE api_user_passwords (
    api_user_id TEXT PRIMARY KEY REFERENCES api_users (id),
    hash TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);

-- Their one-time codes; the secret is sealed for its user alone.
CREATE TABLE api_user_totp (
    api_user_id TEXT PRIMARY KEY REFERENCES api_users (id),
    sealed BYTES NOT NULL,
    last_step BIGINT NOT NULL,
    confirmed_at BIGINT NOT NULL
);

-- Links by which a password is set; they work once. Of a token there is its keyed digest alone.
CREATE TABLE api_user_links (
    api_user_id TEXT PRIMARY KEY,
    digest BYTES NOT NULL UNIQUE,
    expires_at BIGINT NOT NULL
);
CREATE INDEX api_user_links_by_expiry ON api_user_links (expires_at);

-- What they did: signed in, failed to, signed off.
CREATE TABLE api_user_events (
    api_user_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    id TEXT NOT NULL,
    status TEXT NOT NULL,
    ip TEXT,
    agent TEXT,
    device TEXT,
    PRIMARY KEY (api_user_id, at, id)
);

-- Users who have signed in. Of a token there is its keyed digest alone; `new_totp` is a sealed secret that was shown in this
-- session and can be confirmed until `new_totp_until`; it is empty where there is none.
CREATE TABLE api_sessions (
    id TEXT PRIMARY KEY,
    digest BYTES NOT NULL UNIQUE,
    organization_id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    api_user_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    idle_seconds BIGINT NOT NULL,
    used_at BIGINT NOT NULL,
    ip TEXT,
    agent TEXT,
    language TEXT NOT NULL,
    params TEXT NOT NULL,
    enrolment_only BIGINT NOT NULL,
    new_totp BYTES NOT NULL,
    new_totp_until BIGINT NOT NULL
);
CREATE INDEX api_sessions_by_user ON api_sessions (api_user_id);
CREATE INDEX api_sessions_by_application ON api_sessions (application_id);
CREATE INDEX api_sessions_by_key ON api_sessions (key_id);
CREATE INDEX api_sessions_by_expiry ON api_sessions (expires_at);
