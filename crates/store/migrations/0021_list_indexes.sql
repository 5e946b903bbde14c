-- Lists with very many rows, each in the order of an index. No index holds a text that may be longer than the 2,704 bytes
-- that PostgreSQL takes: what is searched and described has none.

-- The keys of an owner by the time they were made: a person's own, an application's, and those of the organization itself. It grows at
-- its end for each owner, so that making keys costs little more.
CREATE INDEX keys_by_owner ON keys (organization_id, owner, created_at, id);
-- Keys that end soon or have ended by an end of their own. Few have one; the others have no place in it.
CREATE INDEX keys_by_end ON keys (organization_id, expires_at, id) WHERE expires_at IS NOT NULL AND deleted_at IS NULL;
-- Keys that were refused of late. Most never were; writing a use costs them nothing here.
CREATE INDEX key_usage_by_refusal ON key_usage (organization_id, last_refused_at, key_id) WHERE last_refused_at IS NOT NULL;

-- The audit log by what an entry is about, and by the sort of who did it. Both grow at their ends.
CREATE INDEX audit_entries_by_object_kind ON audit_entries (chain, object_kind, seq);
CREATE INDEX audit_entries_by_actor_type ON audit_entries (chain, actor_type, seq);

-- People by name, and by the time they came; applications, organizations and links by the time they were made. They are written
-- rarely.
CREATE INDEX memberships_by_search ON memberships (organization_id, search, user_id);
CREATE INDEX memberships_by_creation ON memberships (organization_id, created_at, user_id);
CREATE INDEX applications_by_creation ON applications (organization_id, created_at, id);
CREATE INDEX organizations_by_creation ON organizations (created_at, id);
CREATE INDEX organizations_by_search ON organizations (search, id);
CREATE INDEX links_by_creation ON links (organization_id, kind, created_at, id);
