-- name: bury
INSERT OR IGNORE INTO buried(source, exact, words) VALUES (?, ?, ?);

-- name: prune
DELETE FROM buried WHERE n <= (SELECT max(n) FROM buried) - ?;

-- name: buried
SELECT words FROM buried WHERE source = ? AND exact = ?;
