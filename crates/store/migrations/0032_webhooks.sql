-- Where an organization's events are sent. The secret is sealed; the one before it stays until its end, while both sign, and is empty
-- where there is none.
CREATE TABLE webhooks (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    name TEXT NOT NULL,
    search TEXT NOT NULL,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    disabled TEXT,
    sealed BYTES NOT NULL,
    old_sealed BYTES NOT NULL,
    old_valid_until BIGINT,
    after_entry BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    UNIQUE (organization_id, search)
);
-- How far the audit chain of each organization was looked through for what webhooks are told of.
CREATE TABLE webhook_cursors (
    chain TEXT PRIMARY KEY,
    seq BIGINT NOT NULL
);
-- Events that wait to be sent, and those of late that were sent or given up: each once for each webhook.
CREATE TABLE webhook_deliveries (
    id TEXT PRIMARY KEY,
    webhook_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    event TEXT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    next_at BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    lease TEXT NOT NULL,
    leased_until BIGINT NOT NULL,
    ended_at BIGINT,
    UNIQUE (webhook_id, event)
);
CREATE INDEX webhook_deliveries_by_turn ON webhook_deliveries (state, next_at);
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (webhook_id, state, created_at);
CREATE INDEX webhook_deliveries_by_end ON webhook_deliveries (ended_at);
-- What became of each attempt.
CREATE TABLE webhook_attempts (
    delivery_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    milliseconds BIGINT NOT NULL,
    status BIGINT,
    reason TEXT,
    answer TEXT,
    PRIMARY KEY (delivery_id, number)
);
