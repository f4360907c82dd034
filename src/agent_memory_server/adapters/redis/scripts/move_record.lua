-- Store a record under the key of its id, unless something is there; whether it was done.
-- KEYS: the key of the id, the stream of changes, unless whoever calls writes it. ARGV: least length of the stream;
-- names and values of all its fields.
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
if KEYS[2] then
  local told = redis.call('HMGET', KEYS[1], 'id_', 'namespace', 'user_id')
  redis.call(
    'XADD', KEYS[2], 'MAXLEN', '~', ARGV[1], '*', 'i', told[1] or '', 'n', told[2] or '', 'u', told[3] or ''
  )
end
return 1
