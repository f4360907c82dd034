-- name: add
INSERT INTO summary_views(id, body) VALUES (?, ?) ON CONFLICT(id) DO NOTHING

-- name: find
SELECT body FROM summary_views WHERE id = ?

-- name: list
SELECT body FROM summary_views ORDER BY id

-- name: delete
DELETE FROM summary_views WHERE id = ?

-- name: drop_partitions
DELETE FROM summary_partitions WHERE view_id = ?

-- name: put_partition
INSERT INTO summary_partitions(view_id, grouped, body)
SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM summary_views WHERE id = ?1)
ON CONFLICT(view_id, grouped) DO UPDATE SET body = excluded.body

-- name: partitions
SELECT body FROM summary_partitions WHERE view_id = ? ORDER BY grouped

-- name: put_task
INSERT INTO tasks(id, unfinished, expires_at, body) VALUES (?, ?, ?, ?)
ON CONFLICT(id) DO UPDATE SET unfinished = excluded.unfinished, expires_at = excluded.expires_at, body = excluded.body

-- name: find_task
SELECT body FROM tasks WHERE id = ? AND expires_at > ?

-- name: unfinished
SELECT body FROM tasks WHERE unfinished = 1 AND expires_at > ? ORDER BY id

-- name: purge
DELETE FROM tasks WHERE expires_at <= ?
