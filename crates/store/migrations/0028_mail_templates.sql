-- The words of mails to users of applications that an organization has changed, for each kind of mail and language. What is not
-- there is as the program's catalogue has it.
CREATE TABLE mail_templates (
    organization_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    language TEXT NOT NULL,
    subject TEXT NOT NULL,
    plain TEXT NOT NULL,
    html TEXT NOT NULL,
    updated_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (organization_id, kind, language)
);
