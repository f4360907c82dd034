-- Store exactly this session, and the records it owes, in one step.
-- ARGV behind the shared ones: the revision that is expected ("" for any, "0" for no session); the document but for our
-- member and the last brace; the 13 words of our member; the 3 words of a bound; the number of messages; of each its id
-- and "1" for an unread one; then the words of the records' step.
-- Answers {"foreign", key}; {"retry"}; {"revision", the other one that is there}; or {"done", head}.
local key, own, foreign = located()
if foreign then
  return { 'foreign', foreign }
end
local alive = key and not over(own)
local revision = alive and own.revision or 0
if ARGV[4] ~= '' and ARGV[4] ~= exactly(revision) then
  return { 'revision', exactly(revision) }
end
local number, ids, bound = tonumber(ARGV[22]), 23, 19
if not records_changed(ids + 2 * number) then
  return { 'retry' }
end
local owed_since = alive and given(own.owed_since) and own.owed_since or NOW
if key and not alive then
  drop(key)
  key = nil
end
local before = key and own or {}
key = key or free_place()
own = own_from(6)
own.window, own.outgrown_since = before.window, before.outgrown_since
if ARGV[bound + 1] ~= '' then
  own.window = tonumber(ARGV[bound])
  own.outgrown_since = outgrown(own, bound) and (given(before.outgrown_since) and before.outgrown_since or NOW) or nil
end
if given(before.speakers) then
  own.speakers = with_speakers(before.speakers, own.speakers)
end
own.revision, own.count, own.known = revision + 1, number, number
redis.call('DEL', POSITIONS, UNREAD)
note_messages(ids, number, 0)
own.owed_since = redis.call('EXISTS', UNREAD) == 1 and owed_since or nil
local summary = alive and redis.call('JSON.GET', key, '$.context')
redis.call('JSON.SET', key, '$', ARGV[5] .. ',"agent_memory":' .. own_text(own) .. '}')
if summary and summary ~= redis.call('JSON.GET', key, '$.context') then
  redis.call('DEL', FOLDED)
end
renew(key, own.ttl)
return { 'done', head(key) }
