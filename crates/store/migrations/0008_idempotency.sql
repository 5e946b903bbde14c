-- Answers of creating calls that bore an `Idempotency-Key`, without any secret. The id is a MAC of caller and key; the
-- organization is empty for the installation's things.
CREATE TABLE idempotency_keys (
    id BYTES PRIMARY KEY,
    organization_id TEXT NOT NULL,
    fingerprint BYTES NOT NULL,
    answer TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);
