-- Delete records, and keep what is left of them, if all of them are as they were read: all of it or nothing.
-- KEYS: what is left of deleted memories, its order, how often something was added; then those of the records' step.
-- ARGV: most of them to keep; how many are added; these; then the words of the records' step.
local number = tonumber(ARGV[2])
if change_records(rest(KEYS, 4), rest(ARGV, 3 + number)) ~= 1 then
  return 0
end
for n = 3, 2 + number do
  if redis.call('ZADD', KEYS[1], 0, ARGV[n]) == 1 then
    redis.call('RPUSH', KEYS[2], ARGV[n])
  end
end
if number > 0 then
  redis.call('INCR', KEYS[3])
end
while redis.call('LLEN', KEYS[2]) > tonumber(ARGV[1]) do
  redis.call('ZREM', KEYS[1], redis.call('LPOP', KEYS[2]))
end
return 1
