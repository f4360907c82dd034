-- name: there
SELECT 1 FROM messages WHERE sid = ? AND id = ? AND role = ? AND content = ?

-- name: drop
DELETE FROM messages WHERE sid = ? AND id = ?

-- name: remember
INSERT INTO folded(sid, id, digest) VALUES (?, ?, ?) ON CONFLICT(sid, id) DO UPDATE SET digest = excluded.digest

-- name: was_folded
SELECT digest FROM folded WHERE sid = ? AND id = ?

-- name: folded
UPDATE sessions SET context = ?2, tokens = tokens + ?3, message_count = message_count - ?4, revision = revision + 1,
  owed_since = CASE WHEN EXISTS (SELECT 1 FROM messages WHERE messages.sid = ?1 AND extracted = 0) THEN owed_since END
WHERE sid = ?1
