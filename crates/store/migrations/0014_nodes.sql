-- The running servers, each under the id in its data directory; `run` tells one process from the next. What a node has
-- applied is known by position and nonce: another feed of the same length is another one.
CREATE TABLE nodes (
    id TEXT PRIMARY KEY,
    run TEXT NOT NULL,
    host TEXT NOT NULL,
    version TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    heartbeat BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    nonce BYTES NOT NULL,
    staleness_limit BIGINT,
    signed_off_at BIGINT
);
