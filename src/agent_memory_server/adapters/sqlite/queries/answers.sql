-- name: find
SELECT request_digest, status, body, headers FROM answers WHERE subject = ? AND key = ? AND expires_at > ?

-- name: keep
INSERT INTO answers(subject, key, request_digest, status, body, headers, expires_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT(subject, key) DO UPDATE SET
  request_digest = excluded.request_digest, status = excluded.status, body = excluded.body,
  headers = excluded.headers, expires_at = excluded.expires_at
WHERE expires_at <= ?8

-- name: purge_expired
DELETE FROM answers WHERE expires_at <= ?
