-- Drop a record's vector, so that it is owed; whether there is a record.
-- KEYS: the record, the stream of changes, unless whoever calls writes it. ARGV: least length of the stream.
local stored = redis.call('HMGET', KEYS[1], 'id_', 'namespace', 'user_id')
if not stored[1] then
  return 0
end
redis.call('HSET', KEYS[1], 'owed_', '1')
redis.call('HDEL', KEYS[1], 'vector')
if KEYS[2] then
  redis.call(
    'XADD', KEYS[2], 'MAXLEN', '~', ARGV[1], '*', 'i', stored[1], 'n', stored[2] or '', 'u', stored[3] or ''
  )
end
return 1
