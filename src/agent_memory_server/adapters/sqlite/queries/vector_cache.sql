-- name: get
SELECT v FROM vector_cache WHERE model = ? AND digest = ?

-- name: newest
SELECT coalesce(max(used), 0) FROM vector_cache

-- name: put
INSERT INTO vector_cache(model, digest, v, used) VALUES (?, ?, ?, ?)
ON CONFLICT(model, digest) DO UPDATE SET v = excluded.v, used = excluded.used

-- name: drop_up_to
DELETE FROM vector_cache WHERE used <= ?
