-- Give a record of another server, or of an older version of ours, the fields that it lacks, if nobody changed it
-- meanwhile; whether it was done.
-- KEYS: the record, the stream of changes, unless whoever calls writes it. ARGV: least length of the stream, the number
-- of guarded fields, their names and values as they were read ("" where there was none), the number of fields to set,
-- their names and values, then the names of fields to drop.
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
local at = 3
for _ = 1, tonumber(ARGV[2]) do
  if (redis.call('HGET', KEYS[1], ARGV[at]) or '') ~= ARGV[at + 1] then
    return 0
  end
  at = at + 2
end
local words = 2 * tonumber(ARGV[at])
redis.call('HSET', KEYS[1], unpack(ARGV, at + 1, at + words))
if at + words < #ARGV then
  redis.call('HDEL', KEYS[1], unpack(ARGV, at + words + 1))
end
if KEYS[2] then
  local told = redis.call('HMGET', KEYS[1], 'id_', 'namespace', 'user_id')
  redis.call(
    'XADD', KEYS[2], 'MAXLEN', '~', ARGV[1], '*', 'i', told[1] or '', 'n', told[2] or '', 'u', told[3] or ''
  )
end
return 1
