-- The running servers, each under the id in its data directory; `run` tells one process from the next. What a node has
-- applied is known by position and nonce: another feed of the same length is another one. `uses_written_to` is the instant,
-- by the node's own clock, up to which all uses that it saw are in the database.
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
    uses_written_to BIGINT NOT NULL,
    signed_off_at BIGINT
);
-- The newest batch of usage of each process: one that is written again after an unclear end counts once.
CREATE TABLE usage_batches (
    writer TEXT PRIMARY KEY,
    batch BIGINT NOT NULL,
    written_at BIGINT NOT NULL
);
