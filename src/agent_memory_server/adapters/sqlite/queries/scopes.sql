-- name: scope
SELECT scope FROM scopes WHERE namespace = ?1 AND user_id = ?2 AND (part < 0) = ?3 AND next_local < ?4;

-- name: number_from_block
UPDATE blocks SET used = used + 1 WHERE namespace = ?1 AND (start >= ?2) = ?3 AND used < size RETURNING start + used - 1;

-- name: last_block
SELECT coalesce((SELECT start + size FROM blocks WHERE (start >= ?2) = ?3 ORDER BY start DESC LIMIT 1), ?2 * ?3),
  coalesce((SELECT max(size) FROM blocks WHERE namespace = ?1 AND (start >= ?2) = ?3), 0);

-- name: add_block
INSERT INTO blocks(start, size, used, namespace) VALUES (?, ?, 1, ?);

-- name: add_scope
INSERT INTO scopes(scope, namespace, user_id, part)
SELECT ?1, ?2, ?3, CASE WHEN ?4 THEN -1 - count(*) ELSE count(*) END
FROM scopes WHERE namespace = ?2 AND user_id = ?3 AND (part < 0) = ?4;

-- name: next_local
SELECT next_local FROM scopes WHERE scope = ?;

-- name: count_scope
UPDATE scopes SET next_local = ?2, records = records + ?3, words = words + ?4 WHERE scope = ?1;

-- name: count_block
UPDATE blocks SET records = records + ?2, words = words + ?3
WHERE start = (SELECT max(start) FROM blocks WHERE start <= ?1);

-- name: count_all
INSERT INTO meta(key, value) VALUES (?, ?) ON CONFLICT(key) DO UPDATE SET value = value + excluded.value;

-- name: totals
SELECT coalesce((SELECT value FROM meta WHERE key = 'records'), 0),
  coalesce((SELECT value FROM meta WHERE key = 'words'), 0);

-- name: all_totals
SELECT coalesce(sum(value) FILTER (WHERE key IN ('records', 'past_records')), 0),
  coalesce(sum(value) FILTER (WHERE key IN ('words', 'past_words')), 0)
FROM meta WHERE key IN ('records', 'past_records', 'words', 'past_words');
