-- catalog.db: what exists. Job-level rows only; the requests of a job are in its own ledger.
--
-- A row is what we look things up by, and `doc`, the JSON of the value as the code has it (core.job.Job,
-- store.files.FileRow, ...): a new field needs no migration, and `json_extract(doc, '$.state')` reads it by
-- hand. Ids minted by us are unique by chance; ids a caller may choose are unique within the tenant only, so
-- that no tenant learns of another's.
--
--   api_key      who may call, as which tenant; only the hash of a key is here
--   job          one submitted batch
--   file         one name for a blob; several files never share one
--   upload       an upload that is not finished; its bytes are in blobs/incoming
--   cache        cachedContents
--   pin          what a job needs until it ends, whatever is deleted or expires meanwhile: kind 'input' or
--                'file' with the blob behind it, or 'cache'
--   idempotency  Idempotency-Key -> the job it made, and a digest of the body that made it

CREATE TABLE api_key (
    id         TEXT PRIMARY KEY,
    tenant     TEXT NOT NULL,
    hash       BLOB NOT NULL UNIQUE,
    doc        TEXT NOT NULL
) STRICT;

CREATE TABLE job (
    id         TEXT PRIMARY KEY,
    tenant     TEXT NOT NULL,
    state      TEXT NOT NULL,
    created_at REAL NOT NULL,
    doc        TEXT NOT NULL
) STRICT;
CREATE INDEX job_newest ON job (tenant, created_at DESC, id);
CREATE INDEX job_open ON job (state) WHERE state IN ('PENDING', 'RUNNING', 'FINALIZING');

CREATE TABLE file (
    tenant     TEXT NOT NULL,
    id         TEXT NOT NULL,
    blob       TEXT,
    created_at REAL NOT NULL,
    expire_at  REAL NOT NULL,
    doc        TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX file_newest ON file (tenant, created_at DESC, id);
CREATE INDEX file_expiry ON file (expire_at);
CREATE INDEX file_blob ON file (blob);

CREATE TABLE upload (
    id         TEXT PRIMARY KEY,
    created_at REAL NOT NULL,
    doc        TEXT NOT NULL
) STRICT;

CREATE TABLE cache (
    tenant     TEXT NOT NULL,
    id         TEXT NOT NULL,
    created_at REAL NOT NULL,
    expire_at  REAL NOT NULL,
    doc        TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;

CREATE TABLE pin (
    job  TEXT NOT NULL,
    kind TEXT NOT NULL,
    id   TEXT NOT NULL,
    blob TEXT,
    PRIMARY KEY (job, kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX pin_blob ON pin (blob);
CREATE INDEX pin_cache ON pin (id) WHERE kind = 'cache';

CREATE TABLE idempotency (
    tenant     TEXT NOT NULL,
    key        TEXT NOT NULL,
    digest     BLOB NOT NULL,
    job        TEXT NOT NULL,
    created_at REAL NOT NULL,
    PRIMARY KEY (tenant, key)
) STRICT, WITHOUT ROWID;
