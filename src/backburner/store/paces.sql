-- How many calls at once suited a model of an engine whose limit nobody tells: where to begin after a restart.

CREATE TABLE pace (
    engine TEXT NOT NULL,
    model  TEXT NOT NULL,
    calls  REAL NOT NULL,
    PRIMARY KEY (engine, model)
) WITHOUT ROWID;
