-- name: there
SELECT 1 FROM messages WHERE sid = ? AND id = ? AND role = ? AND content = ?

-- name: drop
DELETE FROM messages WHERE sid = ? AND id = ?

-- name: remember
INSERT INTO folded(sid, id, digest) VALUES (?, ?, ?) ON CONFLICT(sid, id) DO UPDATE SET digest = excluded.digest

-- name: forget
DELETE FROM folded WHERE sid = ?

-- name: was_folded
SELECT digest FROM folded WHERE sid = ? AND id = ?

-- name: all_folded
SELECT id, digest FROM folded WHERE sid = ?

-- name: folded
UPDATE sessions SET context = ?2, tokens = tokens + ?3, message_count = message_count - ?4, revision = revision + 1,
  held = max(held - ?5, 0),
  owed_since = CASE WHEN EXISTS (SELECT 1 FROM messages WHERE messages.sid = ?1 AND extracted = 0) THEN owed_since END
WHERE sid = ?1

-- name: owed
SELECT namespace, user_id, session_id, outgrown_since FROM sessions
WHERE outgrown_since IS NOT NULL AND (expires_at IS NULL OR expires_at > :now)
  AND (outgrown_since, namespace, user_id, session_id) > (:since, :namespace, :user_id, :session_id)
ORDER BY outgrown_since, namespace, user_id, session_id LIMIT :limit

-- name: uncounted
SELECT namespace, user_id, session_id FROM sessions
WHERE held IS NULL AND (expires_at IS NULL OR expires_at > ?) ORDER BY sid LIMIT ?

-- name: counted
UPDATE sessions SET held = :tokens, outgrown_since = CASE WHEN :outgrown THEN coalesce(outgrown_since, :now) END
WHERE namespace = :namespace AND user_id = :user_id AND session_id = :session_id AND revision = :revision
  AND (expires_at IS NULL OR expires_at > :now)
