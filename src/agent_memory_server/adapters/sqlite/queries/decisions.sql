-- name: get
SELECT digest, said FROM decisions WHERE digest = ?

-- name: newest
SELECT coalesce(max(n), 0) FROM decisions

-- name: keep
INSERT INTO decisions(digest, said, n) VALUES (?, ?, ?) ON CONFLICT(digest) DO UPDATE SET said = excluded.said, n = excluded.n

-- name: drop_up_to
DELETE FROM decisions WHERE n <= ?
