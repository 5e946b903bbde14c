-- For finding, and compared with the entry when a chain is verified; entries from before have neither.
ALTER TABLE audit_entries ADD COLUMN actor TEXT;
ALTER TABLE audit_entries ADD COLUMN actor_type TEXT;
CREATE INDEX audit_entries_by_actor ON audit_entries (chain, actor, seq);
CREATE INDEX audit_entries_by_action ON audit_entries (chain, action, seq);
