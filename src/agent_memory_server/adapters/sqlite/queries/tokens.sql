-- name: find
SELECT digest, description, created_at, expires_at, namespaces, users, actions FROM tokens WHERE digest = ?

-- name: add
INSERT INTO tokens(digest, description, created_at, expires_at, namespaces, users, actions)
VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT(digest) DO NOTHING

-- name: add_first
INSERT INTO tokens(digest, description, created_at, expires_at, namespaces, users, actions)
SELECT ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM tokens)

-- name: by_prefix
SELECT digest, description, created_at, expires_at, namespaces, users, actions FROM tokens
WHERE digest >= ? AND digest < ? ORDER BY created_at, digest

-- name: remove
DELETE FROM tokens WHERE digest = ?
