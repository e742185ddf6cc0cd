-- ledger.db: the durable record of one job. The truth; the catalog's counters are a cache of it.
--
--   request    one row per non-blank input line, by ordinal: where its bytes are in the input blob, the
--              caller's key, the echo (see core/request.py), the plan key and the fingerprint
--   outcome    how a request ended, append-only, by seq = order of commit. Rows keyed by ordinal would be
--              random inserts: less than half the speed and three times the bytes written (design, section 5).
--              "Each ordinal once" is held by the one writer with a bitmap, rebuilt when the ledger is opened.
--   attempt    one call of a request to an engine, recorded before it is made and again when it ends; an
--              attempt without ended_at was in flight when the service died
--   violation  what is wrong with which line, for the report
--   progress   where intake stands; changes in the same transaction as the rows it counts

CREATE TABLE request (
    ordinal     INTEGER PRIMARY KEY,
    line        INTEGER NOT NULL,
    "offset"    INTEGER NOT NULL,
    length      INTEGER NOT NULL,
    key         TEXT,
    echo        BLOB NOT NULL,
    plan_key    BLOB NOT NULL,
    fingerprint BLOB NOT NULL
) STRICT;

CREATE TABLE outcome (
    seq           INTEGER PRIMARY KEY,
    ordinal       INTEGER NOT NULL,
    kind          TEXT NOT NULL,
    code          INTEGER NOT NULL,
    finish_reason TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    engine        TEXT NOT NULL,
    model         TEXT NOT NULL,
    at            REAL NOT NULL,
    body          BLOB
) STRICT;

CREATE TABLE attempt (
    id         INTEGER PRIMARY KEY,
    ordinal    INTEGER NOT NULL,
    engine     TEXT NOT NULL,
    started_at REAL NOT NULL,
    ended_at   REAL,
    trouble    TEXT NOT NULL DEFAULT '',
    message    TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE violation (
    ordinal INTEGER NOT NULL,
    line    INTEGER NOT NULL,
    key     TEXT,
    path    TEXT NOT NULL,
    reason  TEXT NOT NULL,
    instead TEXT NOT NULL,
    word    TEXT NOT NULL
) STRICT;

CREATE TABLE progress (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    next_offset   INTEGER NOT NULL,
    next_line     INTEGER NOT NULL,
    next_ordinal  INTEGER NOT NULL,
    invalid_count INTEGER NOT NULL,
    done          INTEGER NOT NULL
) STRICT;
INSERT INTO progress VALUES (1, 0, 1, 0, 0, 0);
