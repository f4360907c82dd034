-- Fill in a record's vector if the record still has a revision; whether it had.
-- KEYS: the record, the stream of changes, unless whoever calls writes it. ARGV: the revision, the vector, least length of the stream.
local stored = redis.call('HMGET', KEYS[1], 'id_', 'revision_', 'namespace', 'user_id')
if not stored[1] or (stored[2] or '1') ~= ARGV[1] then
  return 0
end
-- One command, as every one that changes a record indexes it anew.
redis.call('HSET', KEYS[1], 'vector', ARGV[2], 'owed_', '0')
if KEYS[2] then
  redis.call(
    'XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'i', stored[1], 'n', stored[3] or '', 'u', stored[4] or ''
  )
end
return 1
