-- What organizations, members and sets of the time before people become: with the step of the schema, and when a backup of
-- that time is restored. What is there already stays.
INSERT INTO roles (id, organization_id, slug, name, search, predefined, authorities, levels, created_at, updated_at, version)
SELECT 'rol_1' || substr(id, 6), id, 'admin', 'Admin', 'admin
admin', 1, '[]', '{}', created_at, created_at, 1 FROM organizations WHERE 1 = 1
ON CONFLICT DO NOTHING;
INSERT INTO roles (id, organization_id, slug, name, search, predefined, authorities, levels, created_at, updated_at, version)
SELECT 'rol_2' || substr(id, 6), id, 'key-manager', 'Key manager', 'key manager
key-manager', 1, '[]', '{}', created_at, created_at, 1 FROM organizations WHERE 1 = 1
ON CONFLICT DO NOTHING;
INSERT INTO roles (id, organization_id, slug, name, search, predefined, authorities, levels, created_at, updated_at, version)
SELECT 'rol_3' || substr(id, 6), id, 'developer', 'Developer', 'developer
developer', 1, '[]', '{}', created_at, created_at, 1 FROM organizations WHERE 1 = 1
ON CONFLICT DO NOTHING;
INSERT INTO roles (id, organization_id, slug, name, search, predefined, authorities, levels, created_at, updated_at, version)
SELECT 'rol_4' || substr(id, 6), id, 'auditor', 'Auditor', 'auditor
auditor', 1, '[]', '{}', created_at, created_at, 1 FROM organizations WHERE 1 = 1
ON CONFLICT DO NOTHING;

-- Members that are there were made by `setup` or by the operator, each the first one of an organization.
UPDATE memberships SET
    email_search = (SELECT email_search FROM users WHERE users.id = user_id),
    username = (SELECT email FROM users WHERE users.id = user_id),
    username_search = (SELECT email_search FROM users WHERE users.id = user_id),
    search = (SELECT email_search FROM users WHERE users.id = user_id),
    roles = '["rol_1' || substr(organization_id, 6) || '"]',
    accepted_at = created_at,
    updated_at = created_at
WHERE email_search = '';
INSERT INTO member_roles (role_id, user_id) SELECT 'rol_1' || substr(organization_id, 6), user_id FROM memberships
WHERE roles = '["rol_1' || substr(organization_id, 6) || '"]' ON CONFLICT DO NOTHING;

-- Sets of the built-in API that came with people; the same trick as with roles.
INSERT INTO api_sets (id, organization_id, slug, name, search, kind, apis, operations, created_at, updated_at, version)
SELECT 'set_1' || substr(organization_id, 6), organization_id, 'claviger-own-keys', 'Claviger: one''s own keys',
    'claviger: one''s own keys
claviger-own-keys', 'built_in', '["' || id || '"]', '[]', created_at, created_at, 1 FROM apis WHERE kind = 'built_in'
ON CONFLICT DO NOTHING;
INSERT INTO api_sets (id, organization_id, slug, name, search, kind, apis, operations, created_at, updated_at, version)
SELECT 'set_2' || substr(organization_id, 6), organization_id, 'claviger-users-write', 'Claviger: manage users and roles',
    'claviger: manage users and roles
claviger-users-write', 'built_in', '["' || id || '"]', '[]', created_at, created_at, 1 FROM apis WHERE kind = 'built_in'
ON CONFLICT DO NOTHING;
INSERT INTO api_sets (id, organization_id, slug, name, search, kind, apis, operations, created_at, updated_at, version)
SELECT 'set_3' || substr(organization_id, 6), organization_id, 'claviger-audit-read', 'Claviger: read everything',
    'claviger: read everything
claviger-audit-read', 'built_in', '["' || id || '"]', '[]', created_at, created_at, 1 FROM apis WHERE kind = 'built_in'
ON CONFLICT DO NOTHING;
