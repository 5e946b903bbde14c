-- The days of keys from the time when there were hours alone.
INSERT INTO usage_days (organization_id, kind, at, subject, code, count)
    SELECT organization_id, 'key', hour / 86400000000 * 86400000000, key_id, code, CAST(SUM(count) AS BIGINT)
    FROM usage_counts GROUP BY organization_id, hour / 86400000000, key_id, code;
