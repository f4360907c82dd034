-- Put a summary in place of messages, in one step.
-- ARGV behind the shared ones: the revision that is expected; the summary as JSON; tokens to add; the messages that
-- stay as JSON; their latest time, and "1" where times never go back; their tokens; the number of them; of each its id
-- and "1" for an unread one; then of the folded ones id and digest.
-- Answers {"foreign", key}; {"retry"}; or {"done", head}.
local key, own, foreign = located()
if foreign then
  return { 'foreign', foreign }
end
if not key or over(own) or exactly(own.revision) ~= ARGV[4] then
  return { 'retry' }
end
local number = tonumber(ARGV[11])
local left = redis.call('PTTL', key)
redis.call('JSON.SET', key, '$.messages', ARGV[7])
redis.call('JSON.SET', key, '$.context', ARGV[5])
redis.call('JSON.NUMINCRBY', key, '$.tokens', ARGV[6])
redis.call('DEL', POSITIONS, UNREAD)
note_messages(12, number, 0)
for n = 12 + 2 * number, #ARGV, 2 do
  redis.call('HSET', FOLDED, ARGV[n], ARGV[n + 1])
end
if left > 0 then
  redis.call('PEXPIRE', FOLDED, left)
  redis.call('PEXPIRE', POSITIONS, left)
  redis.call('PEXPIRE', UNREAD, left)
end
own.revision, own.count, own.known = own.revision + 1, number, number
own.latest, own.ordered = tonumber(ARGV[8]), ARGV[9] == '1'
own.held = given(own.held) and tonumber(ARGV[10]) or nil
if redis.call('EXISTS', UNREAD) == 0 then
  own.owed_since = nil
end
redis.call('JSON.SET', key, '$.agent_memory', own_text(own))
return { 'done', head(key) }
