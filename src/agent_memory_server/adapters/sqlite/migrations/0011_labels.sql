-- Topics and entities by a model: whether it was asked, or need not be, since the text was stored.
ALTER TABLE memories ADD COLUMN labelled INTEGER NOT NULL DEFAULT 0;
UPDATE memories SET labelled = 1
  WHERE memory_type = 'message' OR superseded_by <> '' OR (topics IS NOT NULL AND entities IS NOT NULL);
CREATE INDEX memories_unlabelled ON memories(rid) WHERE labelled = 0;
