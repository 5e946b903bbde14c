-- Which other organizations may use an API, and how its doors judge: JSON of `Sharing` and `DoorRules`.
ALTER TABLE apis ADD COLUMN sharing TEXT NOT NULL DEFAULT '{}';
ALTER TABLE apis ADD COLUMN rules TEXT NOT NULL DEFAULT '{}';
-- For finding: what is shared with whom; '*' stands for every organization. What counts stands in the API's row.
CREATE TABLE api_shares (
    api_id TEXT NOT NULL REFERENCES apis (id),
    organization_id TEXT NOT NULL,
    PRIMARY KEY (api_id, organization_id)
);
CREATE INDEX api_shares_by_organization ON api_shares (organization_id, api_id);
