-- Note that a record was compared, if it still has a revision.
-- KEYS: the record. ARGV: the revision.
local stored = redis.call('HMGET', KEYS[1], 'id_', 'revision_')
if not stored[1] or (stored[2] or '1') ~= ARGV[1] then
  return 0
end
return redis.call('HDEL', KEYS[1], 'uncompared_')
