-- Whom the people of an organization ask about their keys.
ALTER TABLE organizations ADD COLUMN admin_contact TEXT;
