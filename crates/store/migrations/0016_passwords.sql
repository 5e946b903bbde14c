-- Passwords of people, as PHC strings. A row of its own, so that no read of people ever holds one.
CREATE TABLE user_passwords (
    user_id TEXT PRIMARY KEY REFERENCES users (id),
    hash TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);
