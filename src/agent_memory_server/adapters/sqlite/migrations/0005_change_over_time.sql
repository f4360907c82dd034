-- Superseded records and earlier versions keep their rows, in scopes of their own (part below 0, row ids above those of
-- every current record), so a search for current records never meets them.
ALTER TABLE memories ADD COLUMN superseded_by TEXT NOT NULL DEFAULT '';
ALTER TABLE memories ADD COLUMN superseded_because TEXT NOT NULL DEFAULT '';
ALTER TABLE memories ADD COLUMN valid_from REAL;   -- NULL: created_at
ALTER TABLE memories ADD COLUMN valid_until REAL;
ALTER TABLE memories ADD COLUMN compared INTEGER NOT NULL DEFAULT 0;  -- 1: duplicates of this text were looked for
UPDATE memories SET compared = 1 WHERE memory_type = 'message';
CREATE INDEX memories_superseded ON memories(superseded_by) WHERE superseded_by <> '';
CREATE INDEX memories_uncompared ON memories(rid) WHERE compared = 0;
