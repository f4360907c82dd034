-- Which sessions have outgrown their windows, so that a folding whose job was lost is found without reading messages.
ALTER TABLE sessions ADD COLUMN held INTEGER;          -- tokens of its messages; NULL: not counted yet
ALTER TABLE sessions ADD COLUMN fold_window INTEGER;   -- tokens that it is to fit, as the last write named them
ALTER TABLE sessions ADD COLUMN outgrown_since REAL;
ALTER TABLE sessions ADD COLUMN speakers TEXT NOT NULL DEFAULT '[]';  -- JSON list of roles
UPDATE sessions SET held = 0 WHERE message_count = 0;
UPDATE sessions SET speakers = (
  SELECT json_group_array(role) FROM (
    SELECT role FROM messages WHERE messages.sid = sessions.sid GROUP BY role ORDER BY min(position) LIMIT 20))
  WHERE message_count > 0;
CREATE INDEX sessions_outgrown ON sessions(outgrown_since, namespace, user_id, session_id)
  WHERE outgrown_since IS NOT NULL;
CREATE INDEX sessions_uncounted ON sessions(sid) WHERE held IS NULL;
