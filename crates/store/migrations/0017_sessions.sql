-- People who have signed in. Of a token there is its keyed digest alone.
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    digest BYTES NOT NULL UNIQUE,
    user_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    proved_at BIGINT NOT NULL,
    ip TEXT,
    agent TEXT
);
CREATE INDEX sessions_by_user ON sessions (user_id);

-- Tries to sign in that were not followed by a success. There are so many slots and no more: the tag says whose tries a
-- slot counts.
CREATE TABLE sign_in_attempts (
    slot BIGINT PRIMARY KEY,
    tag BYTES NOT NULL,
    tries BIGINT NOT NULL,
    last_at BIGINT NOT NULL
);
