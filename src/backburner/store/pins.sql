-- A pinned blob may have lost its file, and an inline input never had one: what its bytes must be is known here too.
-- Hex; empty for pins of older versions and for caches.

ALTER TABLE pin ADD COLUMN sha256 TEXT NOT NULL DEFAULT '';
