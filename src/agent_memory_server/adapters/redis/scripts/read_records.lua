-- Read fields of records, and what accesses to them were noted.
-- KEYS: the records, then the noted accesses of as many of them as wanted. ARGV: the number of records, the fields.
-- Answers for each key a list of values.
local records = tonumber(ARGV[1])
local found = {}
for n, key in ipairs(KEYS) do
  if n <= records then
    found[n] = redis.call('HMGET', key, unpack(ARGV, 2))
  else
    found[n] = redis.call('HMGET', key, 'l', 'c')
  end
end
return found
