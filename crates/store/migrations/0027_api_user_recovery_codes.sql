-- Recovery codes of API users that were not used: their keyed digests alone.
CREATE TABLE api_user_recovery_codes (
    digest BYTES PRIMARY KEY,
    api_user_id TEXT NOT NULL
);
CREATE INDEX api_user_recovery_codes_by_user ON api_user_recovery_codes (api_user_id);

-- Wrong passwords at the user's name from before this instant count no more; empty: all count.
ALTER TABLE api_users ADD COLUMN unlocked_at BIGINT;
