-- name: stored
SELECT key, value FROM meta WHERE key IN ('embedding_model', 'dimensions');

-- name: store
INSERT INTO meta(key, value) VALUES (?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value;

-- name: any_vector
SELECT 1 FROM vecs LIMIT 1;

-- name: any_words
SELECT 1 FROM words LIMIT 1;

-- name: words_version
SELECT value FROM meta WHERE key = 'words_version';
