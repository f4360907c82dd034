-- name: prepare
CREATE TEMP TABLE IF NOT EXISTS same_content(id, memory_hash, namespace, user_id, session_id, last_accessed, pinned, rid);

-- name: gather
INSERT INTO temp.same_content
SELECT m.id, m.memory_hash, s.namespace, s.user_id, m.session_id, m.last_accessed, m.pinned, m.rid
FROM memories m JOIN scopes s ON s.scope = m.rid >> 24
WHERE (CONDITION) AND m.memory_type <> 'message' AND EXISTS (SELECT 1 FROM memories o WHERE o.memory_hash = m.memory_hash AND o.rid <> m.rid);

-- name: doomed
SELECT id, kept FROM (
  SELECT id, pinned, row_number() OVER place AS n, first_value(id) OVER place AS kept
  FROM temp.same_content
  WINDOW place AS (PARTITION BY memory_hash, namespace, user_id, session_id ORDER BY last_accessed DESC, id))
WHERE n > 1 AND NOT pinned;

-- name: clear
DELETE FROM temp.same_content;
