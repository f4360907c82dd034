-- Put a document that another server wrote into our form, if it is as it was read: whether it was.
-- KEYS: the document; positions of messages by id; unread messages by position: of a document that is under no name of
-- its session neither.
-- ARGV: the document as it was read; the document as it is to be; then for each message its id and "1" for an unread one.
local kind = redis.call('TYPE', KEYS[1])['ok']
local found = kind == 'string' and redis.call('GET', KEYS[1]) or (kind == 'ReJSON-RL' and redis.call('JSON.GET', KEYS[1]))
if found ~= ARGV[1] then
  return 0
end
local left = redis.call('PTTL', KEYS[1])
if kind == 'string' then
  redis.call('DEL', KEYS[1])
end
if KEYS[2] then
  redis.call('DEL', KEYS[2], KEYS[3])
end
redis.call('JSON.SET', KEYS[1], '$', ARGV[2])
for n = 3, #ARGV, 2 do
  local position = (n - 3) / 2
  redis.call('HSET', KEYS[2], ARGV[n], position)
  if ARGV[n + 1] == '1' then
    redis.call('ZADD', KEYS[3], position, ARGV[n])
  end
end
for _, key in ipairs(KEYS) do
  if left > 0 then
    redis.call('PEXPIRE', key, left)
  end
end
return 1
