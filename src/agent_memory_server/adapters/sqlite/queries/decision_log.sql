-- name: add
INSERT INTO decision_log(at, kind, outcome, reason, by, namespace, user_id, session_id, memory_ids, message_ids, into_id, count)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: drop_up_to
DELETE FROM decision_log WHERE n <= (SELECT max(n) FROM decision_log) - ?

-- name: list
SELECT n, at, kind, outcome, reason, by, namespace, user_id, session_id, memory_ids, message_ids, into_id, count
FROM decision_log
WHERE n < :before
  AND CONDITION
ORDER BY n DESC LIMIT :limit

-- name: counts
SELECT kind, outcome, reason, sum(count)
FROM decision_log
WHERE CONDITION
GROUP BY kind, outcome, reason

-- name: matching
(:namespaces IS NULL OR namespace IN (SELECT value FROM json_each(:namespaces)))
AND (:users IS NULL OR user_id IN (SELECT value FROM json_each(:users)))
AND (:kind IS NULL OR kind = :kind)
AND (:outcome IS NULL OR outcome = :outcome)
AND (:reason IS NULL OR reason = :reason)
AND (:session_id IS NULL OR session_id = :session_id)
AND (:namespace IS NULL OR namespace = :namespace)
AND (:user_id IS NULL OR user_id = :user_id)
AND (:memory_id IS NULL OR into_id = :memory_id
  OR EXISTS (SELECT 1 FROM json_each(memory_ids) WHERE value = :memory_id))
