-- Once every member has an address and a name.
CREATE UNIQUE INDEX memberships_by_email ON memberships (organization_id, email_search);
CREATE UNIQUE INDEX memberships_by_username ON memberships (organization_id, username_search);
CREATE INDEX memberships_by_user ON memberships (user_id);
