-- Which list of addresses an organization's keys are bound by, beside their own.
ALTER TABLE organizations ADD COLUMN ip_list TEXT;
