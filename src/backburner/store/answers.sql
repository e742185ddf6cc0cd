-- answers.db: answers of engines to determined requests, kept for the same request in a later job (work/answers.py).
-- A cache: losing it costs calls and nothing else. Deleting a job deletes what came from it.
--
--   answer   `key` is a hash of tenant, engine, its revision, model and the call; `doc` the engine's answer

CREATE TABLE answer (
    key        BLOB PRIMARY KEY,
    job        TEXT NOT NULL,
    at         REAL NOT NULL,
    size_bytes INTEGER NOT NULL,
    doc        BLOB NOT NULL
) STRICT;
CREATE INDEX answer_job ON answer (job);
CREATE INDEX answer_age ON answer (at);
