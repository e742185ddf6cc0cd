-- What tenants used, a row for each day (UTC), key, engine and model; it outlives the jobs. `nanos` is what that cost at
-- the prices of the day, in billionths of the settings' currency. Calls without a key stand under the key ''.

CREATE TABLE spend (
    tenant TEXT NOT NULL,
    day    TEXT NOT NULL,
    key    TEXT NOT NULL,
    engine TEXT NOT NULL,
    model  TEXT NOT NULL,
    calls  INTEGER NOT NULL,
    prompt INTEGER NOT NULL,
    cached INTEGER NOT NULL,
    output INTEGER NOT NULL,
    nanos  INTEGER NOT NULL,
    PRIMARY KEY (tenant, day, key, engine, model)
) STRICT, WITHOUT ROWID;
