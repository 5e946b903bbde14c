-- Sorting by name in an organization with very many keys.
CREATE INDEX keys_by_name_order ON keys (organization_id, name_search, id);
