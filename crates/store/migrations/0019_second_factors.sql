-- Second factors of people. A secret is sealed for its person alone. `last_step` is the step of the code that was used last; it
-- only goes forward.
CREATE TABLE user_totp (
    user_id TEXT PRIMARY KEY REFERENCES users (id),
    sealed BYTES NOT NULL,
    last_step BIGINT NOT NULL,
    confirmed_at BIGINT NOT NULL,
    codes_made_at BIGINT NOT NULL
);

-- Secrets that were shown and that their person has not confirmed yet.
CREATE TABLE new_totp (
    user_id TEXT PRIMARY KEY,
    sealed BYTES NOT NULL,
    expires_at BIGINT NOT NULL
);

-- Recovery codes that were not used: their keyed digests alone.
CREATE TABLE recovery_codes (
    digest BYTES PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id)
);
CREATE INDEX recovery_codes_by_user ON recovery_codes (user_id);

-- Sign-ins whose password was right and which wait for a code; one for each counter of tries. Of a token, and of the hash of the
-- password, there is a keyed digest alone.
CREATE TABLE sign_in_challenges (
    counter BYTES PRIMARY KEY,
    digest BYTES NOT NULL UNIQUE,
    user_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    password BYTES NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sign_in_challenges_by_expiry ON sign_in_challenges (expires_at);
