-- Delete a hash that is no record, and the access noted beside it, if it is none still; whether it was done.
-- KEYS: the hash, its noted access. ARGV: "1" where its key spells an id.
local found = redis.call('HMGET', KEYS[1], 'text', 'id_')
if found[1] and (ARGV[1] == '1' or (found[2] and found[2] ~= '')) then
  return 0
end
local there = redis.call('DEL', KEYS[1])
redis.call('DEL', KEYS[2])
return there
