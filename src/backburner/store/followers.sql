--   follower   a request that waits for the answer of an identical one, its leader (policy/duplicates.py). Rows stay
--              when they are answered: `outcome.reused_from` is the ordinal whose answer it was
--   progress   `repeatable` counts the requests with a fingerprint; `duplicates` is 1 once all followers are known,
--              and rows without it are what a crash left of looking for them
--   attempt    tokens as the engine reports them, 0 where it does not; `model` is its own name for what it ran
ALTER TABLE outcome ADD COLUMN reused_from INTEGER;
ALTER TABLE progress ADD COLUMN repeatable INTEGER NOT NULL DEFAULT 0;
ALTER TABLE progress ADD COLUMN duplicates INTEGER NOT NULL DEFAULT 0;
UPDATE progress SET repeatable = next_ordinal;
ALTER TABLE attempt ADD COLUMN model TEXT NOT NULL DEFAULT '';
ALTER TABLE attempt ADD COLUMN prompt_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE attempt ADD COLUMN cached_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE attempt ADD COLUMN output_tokens INTEGER NOT NULL DEFAULT 0;
CREATE TABLE follower (
    leader  INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    PRIMARY KEY (leader, ordinal)
) STRICT, WITHOUT ROWID;
