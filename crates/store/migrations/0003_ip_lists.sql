-- Lists of allowed addresses, each once in its organization under the digest of what it holds: a million keys that carry
-- the same list name it in their records instead of repeating it. A key's row of the time before has its list in its
-- record; it is read as it is, and written the new way with the next change of the key. Programs of that time cannot
-- read the new way: to them it would be no list of theirs, so they refuse the row rather than let any address in.
CREATE TABLE ip_lists (
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    digest TEXT NOT NULL,
    entries TEXT NOT NULL,
    PRIMARY KEY (organization_id, digest)
);
-- Which list a key has, for finding: a list goes when no record has it any more.
ALTER TABLE keys ADD COLUMN ip_list TEXT;
CREATE INDEX keys_by_ip_list ON keys (organization_id, ip_list) WHERE ip_list IS NOT NULL;
