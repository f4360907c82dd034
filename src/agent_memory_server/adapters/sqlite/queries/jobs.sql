-- name: dead_since
SELECT 1 FROM jobs WHERE kind = ? AND key = ? AND state = 2 AND due >= ?

-- name: add
INSERT INTO jobs(kind, key, arguments, exclusion, state, due, first_due) VALUES (?1, ?2, ?3, ?4, 0, ?5, ?5)
ON CONFLICT(kind, key, state) DO UPDATE SET arguments = excluded.arguments, exclusion = excluded.exclusion,
  due = CASE WHEN failures > 0 THEN due ELSE min(due, excluded.due) END

-- name: postpone
INSERT INTO jobs(kind, key, arguments, exclusion, state, due, first_due) VALUES (?1, ?2, ?3, ?4, 0, ?5, ?5)
ON CONFLICT(kind, key, state) DO UPDATE SET arguments = excluded.arguments, exclusion = excluded.exclusion,
  due = max(due, min(excluded.due, first_due + ?6))

-- name: figures
SELECT state, count(*) FROM jobs GROUP BY state

-- name: dead
SELECT id, kind, key, arguments, exclusion, attempts, error, due FROM jobs WHERE state = 2
ORDER BY due DESC, id DESC LIMIT ?

-- name: find_dead
SELECT kind, key FROM jobs WHERE id = ? AND state = 2

-- name: find
SELECT id FROM jobs WHERE kind = ? AND key = ? AND state = ?

-- name: revive
UPDATE jobs SET state = 0, due = ?2, first_due = ?2, attempts = 0, failures = 0, failing_since = NULL, error = ''
WHERE id = ?1

-- name: hasten
UPDATE jobs SET due = min(due, ?2), attempts = 0, failures = 0, failing_since = NULL, error = '' WHERE id = ?1

-- name: drop
DELETE FROM jobs WHERE id = ?

-- name: drop_dead
DELETE FROM jobs WHERE id = ? AND state = 2

-- name: drop_dead_of
DELETE FROM jobs WHERE kind = ? AND key = ? AND state = 2

-- name: next_due
SELECT min(due) FROM jobs WHERE state < 2

-- name: next
SELECT id FROM jobs AS job
WHERE state < 2 AND due <= ?1
  AND (state = 1 OR NOT EXISTS (SELECT 1 FROM jobs AS run WHERE run.kind = job.kind AND run.key = job.key AND run.state = 1))
  AND (state = 1 OR exclusion = '' OR NOT EXISTS (
    SELECT 1 FROM jobs AS run WHERE run.exclusion = job.exclusion AND run.exclusion <> '' AND run.state = 1))
ORDER BY due, id LIMIT 1

-- name: next_named
SELECT id FROM jobs AS job
WHERE state < 2 AND due <= ?1 AND kind = ?2 AND key = ?3
  AND (state = 1 OR NOT EXISTS (SELECT 1 FROM jobs AS run WHERE run.kind = job.kind AND run.key = job.key AND run.state = 1))
  AND (state = 1 OR exclusion = '' OR NOT EXISTS (
    SELECT 1 FROM jobs AS run WHERE run.exclusion = job.exclusion AND run.exclusion <> '' AND run.state = 1))
ORDER BY due, id LIMIT 1

-- name: claim
UPDATE jobs SET state = 1, attempts = attempts + 1, lease = lease + 1, due = ?2 WHERE id = ?1
RETURNING id, lease, kind, key, arguments, exclusion, attempts, failures, failing_since

-- name: renew
UPDATE jobs SET due = ?3 WHERE id = ?1 AND lease = ?2 AND state = 1

-- name: held
SELECT 1 FROM jobs WHERE id = ? AND lease = ? AND state = 1

-- name: wait
UPDATE jobs SET state = 0, due = ?2, first_due = ?2, attempts = attempts - ?3, failures = failures + 1,
  failing_since = coalesce(failing_since, ?4), error = ?5 WHERE id = ?1

-- name: inherit
UPDATE jobs SET due = max(due, ?2), attempts = ?3, failures = ?4, failing_since = ?5, error = ?6 WHERE id = ?1

-- name: give_up
UPDATE jobs SET state = 2, due = ?2, failures = failures + 1, error = ?3 WHERE id = ?1

-- name: release
UPDATE jobs SET state = 0, due = ?2, attempts = attempts - 1 WHERE id = ?1

-- name: release_into
UPDATE jobs SET due = min(due, ?2), attempts = ?3, failures = ?4, failing_since = ?5 WHERE id = ?1

-- name: oldest
SELECT min(due) FROM jobs AS job
WHERE state = 0 AND due <= ?1
  AND NOT EXISTS (SELECT 1 FROM jobs AS run WHERE run.kind = job.kind AND run.key = job.key AND run.state = 1)
  AND (exclusion = '' OR NOT EXISTS (
    SELECT 1 FROM jobs AS run WHERE run.exclusion = job.exclusion AND run.exclusion <> '' AND run.state = 1))

-- name: beat
INSERT INTO workers(name, seen_at) VALUES (?1, ?2) ON CONFLICT(name) DO UPDATE SET seen_at = excluded.seen_at

-- name: forget_workers
DELETE FROM workers WHERE seen_at < ?

-- name: gone
DELETE FROM workers WHERE name = ?

-- name: workers
SELECT count(*) FROM workers WHERE seen_at >= ?
