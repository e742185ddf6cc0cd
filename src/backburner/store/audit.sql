-- Who did what: a line for each change that a caller asked for, and for each reading of results. `key` is the id of the
-- API key, empty without one; `door` where it was asked; `outcome` is done, or refused:STATUS.

CREATE TABLE audit (
    id      INTEGER PRIMARY KEY,
    at      REAL NOT NULL,
    tenant  TEXT NOT NULL,
    key     TEXT NOT NULL,
    door    TEXT NOT NULL,
    action  TEXT NOT NULL,
    object  TEXT NOT NULL,
    outcome TEXT NOT NULL
) STRICT;
CREATE INDEX audit_tenant ON audit (tenant, id);
CREATE INDEX audit_age ON audit (at);
