-- What receivers of events are told, and what is told them with.
--
--   delivery         one event for one URL, until it was taken or given up, and some time after. `body` is what is sent,
--                    the same at each try; `doc` has the rest (store.webhooks.Delivery)
--   webhook_secret   what a tenant's events are signed with; the newest signs, one that is replaced signs beside it
--                    until `retire_at`

CREATE TABLE delivery (
    id         TEXT PRIMARY KEY,
    tenant     TEXT NOT NULL,
    job        TEXT NOT NULL,
    host       TEXT NOT NULL,
    created_at REAL NOT NULL,
    due_at     REAL,
    body       BLOB NOT NULL,
    doc        TEXT NOT NULL
) STRICT;
CREATE INDEX delivery_due ON delivery (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX delivery_newest ON delivery (tenant, created_at DESC, id);
CREATE INDEX delivery_age ON delivery (created_at);

CREATE TABLE webhook_secret (
    tenant     TEXT NOT NULL,
    secret     TEXT NOT NULL,
    created_at REAL NOT NULL,
    retire_at  REAL,
    PRIMARY KEY (tenant, secret)
) STRICT, WITHOUT ROWID;
