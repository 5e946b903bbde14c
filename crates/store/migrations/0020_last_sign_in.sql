-- When somebody last signed in to an organization; empty: never.
ALTER TABLE memberships ADD COLUMN last_sign_in_at BIGINT;
