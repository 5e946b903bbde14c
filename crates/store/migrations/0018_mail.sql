-- Links that work once. Of a token there is its keyed digest alone; a link that was used is gone. The organization is empty
-- where the link is the person's alone.
CREATE TABLE links (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    digest BYTES NOT NULL UNIQUE,
    email TEXT,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    UNIQUE (kind, organization_id, user_id)
);
CREATE INDEX links_by_expiry ON links (expires_at);

-- Mails that wait, and those that were sent or given up of late. The token of a link is sealed while it waits, and gone
-- afterwards: empty then, as where there is no link. The organization is empty where the mail is no tenant's.
CREATE TABLE outbox (
    id TEXT PRIMARY KEY,
    unique_key TEXT NOT NULL UNIQUE,
    organization_id TEXT NOT NULL,
    recipient TEXT NOT NULL,
    language TEXT NOT NULL,
    mail TEXT NOT NULL,
    link_path TEXT NOT NULL,
    sealed_token BYTES NOT NULL,
    created_at BIGINT NOT NULL,
    give_up_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    next_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    lease TEXT NOT NULL,
    leased_until BIGINT NOT NULL,
    ended_at BIGINT,
    last_error TEXT
);
CREATE INDEX outbox_by_turn ON outbox (state, next_at);
CREATE INDEX outbox_by_organization ON outbox (organization_id, state);
