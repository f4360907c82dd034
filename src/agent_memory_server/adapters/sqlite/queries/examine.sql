-- name: counts
SELECT (SELECT count(*) FROM memories), (SELECT count(*) FROM memories WHERE embedded = 0),
  (SELECT count(*) FROM sessions), (SELECT count(*) FROM messages), (SELECT count(*) FROM tokens);
