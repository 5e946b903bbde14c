-- Users whose password is still hashed as another system did it, with what it costs to compute. What that system hashed was a
-- MAC of the password; its key is sealed for its user alone. The row goes when the user signs in.
CREATE TABLE api_user_foreign_passwords (
    api_user_id TEXT PRIMARY KEY REFERENCES api_users (id),
    application_id TEXT NOT NULL,
    cost TEXT NOT NULL,
    mac_key BYTES NOT NULL
);
CREATE INDEX api_user_foreign_passwords_by_cost ON api_user_foreign_passwords (application_id, cost);

-- Whose a token is that somebody brings along.
CREATE INDEX api_users_by_static_token ON api_users (static_token);
