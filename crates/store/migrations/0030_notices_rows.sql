-- What had happened before there were notices is told to nobody.
INSERT INTO notice_cursors (chain, seq)
    SELECT chain, seq FROM audit_heads WHERE chain NOT IN (SELECT chain FROM notice_cursors);
