-- Store a record under the key of its id, unless something is there; whether it was done.
-- KEYS: the key of the id. ARGV: names and values of all its fields.
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
redis.call('HSET', KEYS[1], unpack(ARGV))
return 1
