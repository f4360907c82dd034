-- Fill in a record's vector if the record still has a revision; whether it had.
-- KEYS: the record. ARGV: the revision, the vector.
local stored = redis.call('HMGET', KEYS[1], 'id_', 'revision_')
if not stored[1] or (stored[2] or '1') ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[1], 'vector', ARGV[2])
redis.call('HDEL', KEYS[1], 'owed_')
return 1
