-- name: head
SELECT sid, next_position, revision, message_count, tokens, context, data, memories, strategy, strategy_config,
  ttl_seconds, created_at, updated_at, last_accessed, owed_since, outgrown_since, speakers, held, fold_window
FROM sessions
WHERE namespace = ? AND user_id = ? AND session_id = ? AND (expires_at IS NULL OR expires_at > ?)

-- name: find
SELECT namespace, user_id, session_id FROM sessions
WHERE session_id = :session_id AND (expires_at IS NULL OR expires_at > :now)
  AND (:namespaces IS NULL OR namespace IN (SELECT value FROM json_each(:namespaces)))
  AND (:users IS NULL OR user_id IN (SELECT value FROM json_each(:users)))
ORDER BY created_at, sid LIMIT 2

-- name: list
SELECT namespace, user_id, session_id FROM sessions
WHERE (expires_at IS NULL OR expires_at > :now)
  AND (:namespaces IS NULL OR namespace IN (SELECT value FROM json_each(:namespaces)))
  AND (:users IS NULL OR user_id IN (SELECT value FROM json_each(:users)))
ORDER BY created_at, sid LIMIT :limit OFFSET :offset

-- name: count
SELECT count(*) FROM sessions
WHERE (expires_at IS NULL OR expires_at > :now)
  AND (:namespaces IS NULL OR namespace IN (SELECT value FROM json_each(:namespaces)))
  AND (:users IS NULL OR user_id IN (SELECT value FROM json_each(:users)))

-- name: drop_expired
DELETE FROM sessions WHERE namespace = ? AND user_id = ? AND session_id = ? AND expires_at <= ?

-- name: insert
INSERT INTO sessions(namespace, user_id, session_id, revision, message_count, next_position, tokens, context, data,
  memories, strategy, strategy_config, ttl_seconds, expires_at, created_at, updated_at, last_accessed)
VALUES (:namespace, :user_id, :session_id, 0, 0, 0, :tokens, :context, :data,
  :memories, :strategy, :strategy_config, :ttl_seconds, :expires_at, :created_at, :updated_at, :last_accessed)

-- name: replace
UPDATE sessions SET tokens = :tokens, context = :context, data = :data, memories = :memories, strategy = :strategy,
  strategy_config = :strategy_config, ttl_seconds = :ttl_seconds, expires_at = :expires_at, created_at = :created_at,
  updated_at = :updated_at, last_accessed = :last_accessed
WHERE sid = :sid

-- name: advance
UPDATE sessions SET revision = ?2, message_count = ?3, next_position = ?4, owed_since = ?5, held = ?6, fold_window = ?7,
  outgrown_since = ?8, speakers = ?9
WHERE sid = ?1

-- name: appended
UPDATE sessions SET revision = ?2, message_count = ?3, next_position = ?4, strategy = ?5, strategy_config = ?6,
  ttl_seconds = ?7, expires_at = ?8, updated_at = ?9, last_accessed = ?10, owed_since = ?11, held = ?12,
  fold_window = ?13, outgrown_since = ?14, speakers = ?15
WHERE sid = ?1

-- name: delete
DELETE FROM sessions
WHERE namespace = ? AND user_id = ? AND session_id = ? AND (expires_at IS NULL OR expires_at > ?)

-- name: purge_expired
DELETE FROM sessions WHERE sid IN (
  SELECT sid FROM sessions WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)

-- name: messages
SELECT position, id, role, content, created_at, persisted_at, extracted FROM messages WHERE sid = ? ORDER BY position

-- name: last_messages
SELECT position, id, role, content, created_at, persisted_at, extracted FROM messages WHERE sid = ?
ORDER BY created_at DESC, position DESC LIMIT ?

-- name: message
SELECT position, id, role, content, created_at, persisted_at, extracted FROM messages WHERE sid = ? AND id = ?

-- name: insert_message
INSERT INTO messages(sid, position, id, role, content, created_at, persisted_at, extracted)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)

-- name: update_message
UPDATE messages SET role = ?3, content = ?4, created_at = ?5, persisted_at = ?6, extracted = ?7
WHERE sid = ?1 AND position = ?2

-- name: delete_message
DELETE FROM messages WHERE sid = ? AND position = ?
