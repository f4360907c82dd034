-- Write and delete records if all of them are as they were read: all of it or nothing.
-- KEYS: for each step the record and its noted access; the stream of changes, unless whoever calls writes it.
-- ARGV: name of the index, least length of the stream; then for each step: the record's id, its namespace and user,
-- expected revision ("" where no record is expected), a query for records with the same content, of which there may be
-- no other ("" for any), "1" where the noted access is dropped, "0" where the record keeps its number, "1" where it gets
-- a new one, or that number, the number of fields to set and their names and values, the number of fields to drop and
-- their names. No field to set deletes the record.
-- Answers 1 when all was done, 0 when something was not as expected.
local function revision_of(key)
  local revision = redis.call('HGET', key, 'revision_')
  if revision then
    return revision
  end
  return redis.call('EXISTS', key) == 1 and '1' or ''
end

local function taken(index, query, key)
  local found = redis.call('FT.SEARCH', index, query, 'NOCONTENT', 'LIMIT', 0, 2, 'DIALECT', 2)
  for i = 2, #found do
    if found[i] ~= key then
      return true
    end
  end
  return false
end

local steps, at = {}, 3
local changes = #KEYS % 2 == 1 and KEYS[#KEYS]
for n = 1, math.floor(#KEYS / 2) do
  local step = {
    key = KEYS[2 * n - 1], access = KEYS[2 * n], id = ARGV[at], namespace = ARGV[at + 1], user = ARGV[at + 2],
    forget_access = ARGV[at + 5] == '1', number = ARGV[at + 6],
  }
  if revision_of(step.key) ~= ARGV[at + 3] then
    return 0
  end
  if ARGV[at + 4] ~= '' and taken(ARGV[1], ARGV[at + 4], step.key) then
    return 0
  end
  local fields = tonumber(ARGV[at + 7])
  step.set = { unpack(ARGV, at + 8, at + 7 + 2 * fields) }
  at = at + 8 + 2 * fields
  local dropped = tonumber(ARGV[at])
  step.drop = { unpack(ARGV, at + 1, at + dropped) }
  at = at + 1 + dropped
  steps[n] = step
end
local function note(...)
  return changes and redis.call('XADD', changes, 'MAXLEN', '~', ARGV[2], '*', ...)
end

for _, step in ipairs(steps) do
  if #step.set == 0 then
    redis.call('DEL', step.key, step.access)
    note('i', step.id)
  else
    local noted = note('i', step.id, 'n', step.namespace, 'u', step.user)
    if step.number ~= '0' then
      step.set[#step.set + 1] = 'number_'
      step.set[#step.set + 1] = step.number == '1' and noted or step.number
    end
    redis.call('HSET', step.key, unpack(step.set))
    if #step.drop > 0 then
      redis.call('HDEL', step.key, unpack(step.drop))
    end
    if step.forget_access then
      redis.call('DEL', step.access)
    end
  end
end
return 1
