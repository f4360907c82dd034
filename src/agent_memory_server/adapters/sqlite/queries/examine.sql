-- name: counts
SELECT (SELECT count(*) FROM memories), (SELECT count(*) FROM memories WHERE embedded = 0),
  (SELECT count(*) FROM sessions), (SELECT count(*) FROM messages), (SELECT count(*) FROM tokens);

-- name: jobs
SELECT count(*) FILTER (WHERE state = 0), count(*) FILTER (WHERE state = 1), count(*) FILTER (WHERE state = 2) FROM jobs
