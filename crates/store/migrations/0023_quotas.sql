-- How much of each quota is spent: a row a counter. `since`: up to here the calendar was looked at; it never goes back. `held`: what nodes
-- have in blocks. `lost`: what of `spent` is not known to be spent, as nodes that held it ended out of order. `ends_at`: when the
-- period ends after which all of this is nothing; empty where it counts on.
CREATE TABLE quota_counters (
    organization_id TEXT NOT NULL,
    counter TEXT NOT NULL,
    since BIGINT NOT NULL,
    spent BIGINT NOT NULL,
    held BIGINT NOT NULL,
    lost BIGINT NOT NULL,
    ends_at BIGINT,
    PRIMARY KEY (organization_id, counter)
);
CREATE INDEX quota_counters_end ON quota_counters (ends_at);

-- The blocks that nodes hold: each of one process, which numbers its own. `ends_at` is that of its counter when it was taken: what was
-- spent of it belongs to that period.
CREATE TABLE quota_leases (
    run TEXT NOT NULL,
    number BIGINT NOT NULL,
    organization_id TEXT NOT NULL,
    counter TEXT NOT NULL,
    units BIGINT NOT NULL,
    ends_at BIGINT,
    PRIMARY KEY (run, number)
);
CREATE INDEX quota_leases_counter ON quota_leases (organization_id, counter);
