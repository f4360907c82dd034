-- Drop answers whose time is over, at most ARGV[2]; how many. The answers' keys lie in the slot of the sorted set.
-- KEYS: the sorted set of times. ARGV: now, limit.
local over = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, key in ipairs(over) do
  redis.call('DEL', key)
  redis.call('ZREM', KEYS[1], key)
end
return #over
