-- Versions of APIs: what they look like in a path, which are listed, and which of them have an operation.
ALTER TABLE apis ADD COLUMN version_pattern TEXT;
ALTER TABLE apis ADD COLUMN versions TEXT NOT NULL DEFAULT '[]';
ALTER TABLE api_operations ADD COLUMN versions TEXT NOT NULL DEFAULT '[]';
-- The template that a set was made from.
ALTER TABLE api_sets ADD COLUMN template TEXT;
