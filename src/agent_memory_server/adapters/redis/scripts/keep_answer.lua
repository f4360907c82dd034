-- Keep an answer, unless one is kept whose time is not over.
-- KEYS: the answer's hash, the sorted set of times. ARGV: now, expires_at, then fields and values of the hash.
local kept_until = redis.call('HGET', KEYS[1], 'expires_at')
if kept_until and tonumber(kept_until) > tonumber(ARGV[1]) then
  return 0
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'expires_at', ARGV[2], unpack(ARGV, 3))
redis.call('ZADD', KEYS[2], ARGV[2], KEYS[1])
return 1
