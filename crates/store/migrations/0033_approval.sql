-- Since when a key waits for approval; NULL for one that does not. Few wait: the others have no place in the index.
ALTER TABLE keys ADD COLUMN pending_since BIGINT;
CREATE INDEX keys_pending ON keys (organization_id, pending_since, id)
    WHERE pending_since IS NOT NULL AND deleted_at IS NULL AND disabled_at IS NULL;
