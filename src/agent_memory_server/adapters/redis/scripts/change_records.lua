-- Write and delete records if all of them are as they were read: all of it or nothing.
-- KEYS: for each step the record and its noted access.
-- ARGV: name of the index; then for each step: expected revision ("" where no record is expected), token of the
-- content that no other record may have ("" for any), "1" where the noted access is dropped, the number of fields to
-- set and their names and values, the number of fields to drop and their names. No field to set deletes the record.
-- Answers 1 when all was done, 0 when something was not as expected.
local function revision_of(key)
  local revision = redis.call('HGET', key, 'revision_')
  if revision then
    return revision
  end
  return redis.call('EXISTS', key) == 1 and '1' or ''
end

local function taken(index, token, key)
  local found = redis.call('FT.SEARCH', index, '@exact_:{' .. token .. '}', 'NOCONTENT', 'LIMIT', 0, 2, 'DIALECT', 2)
  for i = 2, #found do
    if found[i] ~= key then
      return true
    end
  end
  return false
end

local steps, at = {}, 2
for n = 1, #KEYS / 2 do
  local step = { key = KEYS[2 * n - 1], access = KEYS[2 * n], forget_access = ARGV[at + 2] == '1' }
  if revision_of(step.key) ~= ARGV[at] then
    return 0
  end
  if ARGV[at + 1] ~= '' and taken(ARGV[1], ARGV[at + 1], step.key) then
    return 0
  end
  local fields = tonumber(ARGV[at + 3])
  step.set = { unpack(ARGV, at + 4, at + 3 + 2 * fields) }
  at = at + 4 + 2 * fields
  local dropped = tonumber(ARGV[at])
  step.drop = { unpack(ARGV, at + 1, at + dropped) }
  at = at + 1 + dropped
  steps[n] = step
end
for _, step in ipairs(steps) do
  if #step.set == 0 then
    redis.call('DEL', step.key, step.access)
  else
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
