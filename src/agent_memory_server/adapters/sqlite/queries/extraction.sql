-- name: owed
SELECT namespace, user_id, session_id, owed_since FROM sessions
WHERE owed_since IS NOT NULL AND (expires_at IS NULL OR expires_at > :now)
  AND (owed_since, namespace, user_id, session_id) > (:since, :namespace, :user_id, :session_id)
ORDER BY owed_since, namespace, user_id, session_id LIMIT :limit

-- name: unextracted
SELECT position, id, role, content, created_at, persisted_at, extracted FROM messages
WHERE sid = ? AND extracted = 0 ORDER BY position LIMIT ?

-- name: before
SELECT position, id, role, content, created_at, persisted_at, extracted FROM messages
WHERE sid = ? AND position < ? ORDER BY position DESC LIMIT ?

-- name: mark
UPDATE messages SET extracted = 1 WHERE sid = ? AND id = ? AND role = ? AND content = ? AND extracted = 0

-- name: marked
UPDATE sessions SET revision = revision + 1,
  owed_since = CASE WHEN EXISTS (SELECT 1 FROM messages WHERE sid = ?1 AND extracted = 0) THEN updated_at END
WHERE sid = ?1
