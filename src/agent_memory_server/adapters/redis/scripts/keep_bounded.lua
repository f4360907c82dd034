-- Keep values by field, and drop those stored longest ago until the bound holds.
-- KEYS: the hash, the order of its fields, the number given last. ARGV: the bound, then fields and values.
for i = 2, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  redis.call('ZADD', KEYS[2], redis.call('INCR', KEYS[3]), ARGV[i])
end
local oldest_kept = tonumber(redis.call('GET', KEYS[3]) or 0) - tonumber(ARGV[1])
for _, field in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', oldest_kept)) do
  redis.call('HDEL', KEYS[1], field)
  redis.call('ZREM', KEYS[2], field)
end
return 1
