-- Note an access to a record that is there, if the one before is old enough; whether it was noted.
-- KEYS: the record, its noted access, the stream of changes, unless whoever calls writes it. ARGV: time of the access, least seconds since the one
-- before, how much the count grows, least length of the stream.
local stored = redis.call('HMGET', KEYS[1], 'id_', 'last_accessed', 'access_count')
if not stored[1] then
  return 0
end
local noted = redis.call('HMGET', KEYS[2], 'l', 'c')
local last = math.max(tonumber(stored[2] or '0') or 0, tonumber(noted[1] or '0') or 0)
if tonumber(ARGV[1]) - last < tonumber(ARGV[2]) then
  return 0
end
local count = math.max(tonumber(stored[3] or '0') or 0, tonumber(noted[2] or '0') or 0) + tonumber(ARGV[3])
redis.call('HSET', KEYS[2], 'l', ARGV[1], 'c', string.format('%d', count))
if KEYS[3] then
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[4], '*', 'i', stored[1], 'a', '1')
end
return 1
