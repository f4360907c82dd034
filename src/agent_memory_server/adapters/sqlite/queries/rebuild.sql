-- name: total
SELECT count(*) FROM memories;

-- name: check_index
PRAGMA integrity_check(fts);

-- name: empty_index
INSERT INTO fts(fts) VALUES ('delete-all');

-- name: find_words
SELECT rid FROM words WHERE rid NOT IN (SELECT rid FROM memories);

-- name: drop_words
DELETE FROM words WHERE rid = ?1 AND NOT EXISTS (SELECT 1 FROM memories WHERE rid = ?1);

-- name: find_index
SELECT rowid FROM fts EXCEPT SELECT rid FROM memories;

-- name: drop_index
DELETE FROM fts WHERE rowid = ?1 AND NOT EXISTS (SELECT 1 FROM memories WHERE rid = ?1);

-- name: find_vectors
SELECT rid FROM vecs WHERE rid NOT IN (SELECT rid FROM memories);

-- name: drop_vectors
DELETE FROM vecs WHERE rid = ?1 AND NOT EXISTS (SELECT 1 FROM memories WHERE rid = ?1);

-- name: find_sketches
SELECT rid FROM sketch WHERE rid NOT IN (SELECT rid FROM vecs);

-- name: drop_sketches
DELETE FROM sketch WHERE rid = ?1 AND NOT EXISTS (SELECT 1 FROM vecs WHERE rid = ?1);

-- name: find_tags
SELECT kind, tag, rid FROM tags WHERE NOT EXISTS (
  SELECT 1 FROM memories m, json_each(CASE kind WHEN 1 THEN m.topics ELSE m.entities END) t
  WHERE m.rid = tags.rid AND t.value = tags.tag);

-- name: drop_tags
DELETE FROM tags WHERE kind = ?1 AND tag = ?2 AND rid = ?3 AND NOT EXISTS (
  SELECT 1 FROM memories m, json_each(CASE ?1 WHEN 1 THEN m.topics ELSE m.entities END) t
  WHERE m.rid = ?3 AND t.value = ?2);

-- name: batch
SELECT m.rid, m.text, m.topics, m.entities, v.v FROM memories m LEFT JOIN vecs v ON v.rid = m.rid
WHERE m.rid > ? AND +m.seq <= ? ORDER BY m.rid LIMIT ?;

-- name: embedded
UPDATE memories SET embedded = EXISTS (SELECT 1 FROM vecs v WHERE v.rid = memories.rid)
WHERE rid > ?1 AND rid <= ?2 AND embedded <> EXISTS (SELECT 1 FROM vecs v WHERE v.rid = memories.rid);

-- name: scope_figures
UPDATE scopes SET
  records = (SELECT count(*) FROM memories m WHERE m.rid BETWEEN scope << 24 AND ((scope + 1) << 24) - 1),
  words = (SELECT coalesce(sum(length(w.w)), 0) / 4 FROM words w WHERE w.rid BETWEEN scope << 24 AND ((scope + 1) << 24) - 1);

-- name: block_figures
UPDATE blocks SET (records, words) = (
  SELECT coalesce(sum(s.records), 0), coalesce(sum(s.words), 0) FROM scopes s
  WHERE s.scope >= blocks.start AND s.scope < blocks.start + blocks.size);

-- name: record_total
INSERT INTO meta(key, value) SELECT iif(past, 'past_records', 'records'), coalesce(sum(records), 0) FROM (
  SELECT part < 0 AS past, records FROM scopes UNION ALL SELECT 0, 0 UNION ALL SELECT 1, 0) WHERE true GROUP BY past
ON CONFLICT(key) DO UPDATE SET value = excluded.value;

-- name: word_total
INSERT INTO meta(key, value) SELECT iif(past, 'past_words', 'words'), coalesce(sum(words), 0) FROM (
  SELECT part < 0 AS past, words FROM scopes UNION ALL SELECT 0, 0 UNION ALL SELECT 1, 0) WHERE true GROUP BY past
ON CONFLICT(key) DO UPDATE SET value = excluded.value;

-- name: forget_vectors
DELETE FROM vecs;

-- name: forget_sketches
DELETE FROM sketch;

-- name: owe_vectors
UPDATE memories SET embedded = 0 WHERE embedded <> 0;
