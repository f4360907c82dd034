-- Mark messages as read by extraction, and store the records read out of them, in one step.
-- KEYS[6]: the number of burials, if there are records; the records' keys behind it.
-- ARGV behind the shared ones: the revision that is expected; the number of messages; their ids; the number of burials
-- that is expected; then the words of the records' step.
-- Answers {"foreign", key}; {"retry"} when something is not as expected, and nothing is changed; or {"done"}.
local key, own, foreign = located()
if foreign then
  return { 'foreign', foreign }
end
if not key or over(own) or exactly(own.revision) ~= ARGV[4] then
  return { 'retry' }
end
local number = tonumber(ARGV[5])
if #KEYS > 5 then
  if not guarded(KEYS[6], ARGV[6 + number]) then
    return { 'retry' }
  end
  if #KEYS > 6 and change_records(rest(KEYS, 7), rest(ARGV, 7 + number)) ~= 1 then
    return { 'retry' }
  end
end
for n = 6, 5 + number do
  local position = redis.call('HGET', POSITIONS, ARGV[n])
  redis.call('JSON.SET', key, '$.messages[' .. position .. '].discrete_memory_extracted', '"t"')
  redis.call('ZREM', UNREAD, ARGV[n])
end
own.revision = own.revision + 1
own.owed_since = redis.call('EXISTS', UNREAD) == 1 and own.updated_at or nil
redis.call('JSON.SET', key, '$.agent_memory', own_text(own))
return { 'done' }
