-- name: next_seq
INSERT INTO meta(key, value) VALUES ('seq', 1) ON CONFLICT(key) DO UPDATE SET value = value + 1 RETURNING value;

-- name: dimensions
SELECT value FROM meta WHERE key = 'dimensions';

-- name: stored
SELECT m.rid, m.id, s.namespace, s.user_id, m.session_id, m.memory_type, m.revision, m.persisted_at, m.text, m.topics, m.entities,
  m.embedded, m.access_count, m.last_accessed, m.superseded_by
FROM memories m JOIN scopes s ON s.scope = m.rid >> 24 WHERE m.id = ?;

-- name: same_content
SELECT m.id FROM memories m JOIN scopes s ON s.scope = m.rid >> 24
WHERE m.memory_hash = ? AND s.namespace = ? AND s.user_id = ? AND m.session_id = ? AND m.id <> ? AND m.superseded_by = ''
ORDER BY m.rid LIMIT 1;

-- name: insert
INSERT INTO memories(rid, embedded, seq, id, session_id, memory_type, extraction_strategy, pinned, extracted, revision,
  access_count, created_at, updated_at, last_accessed, persisted_at, event_date, memory_hash, text, topics, entities,
  extracted_from, strategy_config, metadata, superseded_by, superseded_because, valid_from, valid_until, compared, labelled)
VALUES (?,?,?, ?,?,?,?,?,?,?, ?,?,?,?,?,?,?,?,?,?, ?,?,?,?,?,?,?,?,?);

-- name: replace
UPDATE memories SET embedded = ?2, seq = ?3, id = ?4, session_id = ?5, memory_type = ?6, extraction_strategy = ?7,
  pinned = ?8, extracted = ?9, revision = ?10, access_count = ?11, created_at = ?12, updated_at = ?13,
  last_accessed = ?14, persisted_at = ?15, event_date = ?16, memory_hash = ?17, text = ?18, topics = ?19,
  entities = ?20, extracted_from = ?21, strategy_config = ?22, metadata = ?23,
  superseded_by = ?24, superseded_because = ?25, valid_from = ?26, valid_until = ?27,
  compared = ?28 OR (compared AND text = ?18), labelled = ?29 OR (labelled AND text = ?18)
WHERE rid = ?1;

-- name: put_vector
INSERT OR REPLACE INTO vecs(rid, v) VALUES (?, ?);

-- name: put_sketch
INSERT OR REPLACE INTO sketch(rid, b) VALUES (?, ?);

-- name: put_words
INSERT OR REPLACE INTO words(rid, w) VALUES (?, ?);

-- name: put_index
INSERT OR REPLACE INTO fts(rowid, w) VALUES (?, ?);

-- name: put_tag
INSERT OR IGNORE INTO tags(kind, tag, rid) VALUES (?, ?, ?);

-- name: drop_tag
DELETE FROM tags WHERE kind = ? AND tag = ? AND rid = ?;

-- name: drop_memory
DELETE FROM memories WHERE rid = ?;

-- name: drop_vector
DELETE FROM vecs WHERE rid = ?;

-- name: drop_sketch
DELETE FROM sketch WHERE rid = ?;

-- name: drop_words
DELETE FROM words WHERE rid = ?;

-- name: drop_index
DELETE FROM fts WHERE rowid = ?;

-- name: length
SELECT length(w) / 4 FROM words WHERE rid = ?;

-- name: vector
SELECT v FROM vecs WHERE rid = ?;

-- name: tombstone
INSERT INTO tombstones(seq, rid) VALUES (?, ?);

-- name: oldest_kept_tombstone
SELECT seq FROM tombstones ORDER BY seq DESC, rid DESC LIMIT 1 OFFSET ?;

-- name: prune_tombstones
DELETE FROM tombstones WHERE seq <= ?;

-- name: pruned_to
INSERT INTO meta(key, value) VALUES ('pruned_to', ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value;

-- name: note_duplicate
UPDATE memories SET last_accessed = max(last_accessed, ?) WHERE id = ?;

-- name: touch
UPDATE memories SET last_accessed = ?2, access_count = access_count + 1 WHERE rid = ?1;

-- name: owed
SELECT id, revision, text FROM memories WHERE embedded = 0 ORDER BY created_at, rid LIMIT ?;

-- name: embed
UPDATE memories SET embedded = 1, seq = ?3 WHERE id = ?1 AND revision = ?2 RETURNING rid;

-- name: superseded
SELECT id FROM memories WHERE superseded_by = ? AND superseded_by <> '';

-- name: vectors
SELECT m.id, v.v FROM memories m JOIN vecs v ON v.rid = m.rid WHERE m.id IN (SELECT value FROM json_each(?));

-- name: uncompared
SELECT m.rid FROM memories m INDEXED BY memories_uncompared
WHERE m.compared = 0 AND m.embedded AND (CONDITION) ORDER BY m.rid LIMIT ?;

-- name: mark_compared
UPDATE memories SET compared = 1 WHERE id = ? AND revision = ?;

-- name: unlabelled
SELECT rid FROM memories INDEXED BY memories_unlabelled WHERE labelled = 0 ORDER BY seq, rid LIMIT ?;

-- name: mark_labelled
UPDATE memories SET labelled = 1 WHERE id = ?;

-- name: figures
SELECT coalesce((SELECT value FROM meta WHERE key = 'records'), 0),
  (SELECT count(*) FROM memories WHERE embedded = 0),
  (SELECT count(*) FROM sessions),
  (SELECT count(*) FROM scopes),
  coalesce((SELECT value FROM meta WHERE key = 'seq'), 0);

-- name: details
SELECT key, value FROM meta WHERE key IN ('embedding_model', 'dimensions', 'words_version');
