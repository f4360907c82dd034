-- Append messages, and store the records they owe, in one step whose cost does not depend on the session's length.
-- ARGV behind the shared ones: the revision that is expected ("" for any); time to live ("" keeps it); strategy as JSON
-- ("" keeps it); the document of a new session but for messages, our member and the last brace; the 13 words of our
-- member; the 3 words of a bound; tokens of the messages, and their roles as JSON; the number of messages; of each its id
-- and "1" for an unread one; the messages as JSON; of each its time; then the words of the records' step.
-- Answers {"foreign", key}; {"retry"}; {"known", head, id, message…} when some of the ids are there, and nothing is
-- changed, with "#" and its digest for a message that was folded; or {"done", head}.
local key, own, foreign = located()
if foreign then
  return { 'foreign', foreign }
end
local alive = key and not over(own)
if ARGV[4] ~= '' and ARGV[4] ~= exactly(alive and own.revision or 0) then
  return { 'retry' }
end
local number, ids, bound = tonumber(ARGV[26]), 27, 21
local texts = ids + 2 * number
local times = texts + number
if alive then
  local known = { 'known', head(key) }
  local folded = redis.call('EXISTS', FOLDED) == 1
  for n = 0, number - 1 do
    local id = ARGV[ids + 2 * n]
    local position = redis.call('HGET', POSITIONS, id)
    if position then
      known[#known + 1] = id
      known[#known + 1] = redis.call('JSON.GET', key, '.messages[' .. position .. ']')
    elseif folded then
      local digest = redis.call('HGET', FOLDED, id)
      if digest then
        known[#known + 1] = id
        known[#known + 1] = '#' .. digest
      end
    end
  end
  if #known > 2 then
    return known
  end
end
if not records_changed(times + number) then
  return { 'retry' }
end
if key and not alive then
  drop(key)
end
local changed = not alive or number > 0
if not alive then
  key, own = free_place(), own_from(8)
  redis.call('JSON.SET', key, '$', ARGV[7] .. ',"messages":[],"agent_memory":' .. own_text(own) .. '}')
end
local patch = {}
if ARGV[5] ~= '' and (not given(own.ttl) or own.ttl ~= tonumber(ARGV[5])) then
  own.ttl, changed = tonumber(ARGV[5]), true
  patch[#patch + 1] = '"ttl_seconds":' .. ARGV[5]
end
if ARGV[6] ~= '' and own.strategy ~= ARGV[6] then
  own.strategy, changed = ARGV[6], true
  patch[#patch + 1] = '"long_term_memory_strategy":' .. ARGV[6]
end
for n = 0, number - 1, AT_ONCE do
  redis.call('JSON.ARRAPPEND', key, '$.messages', unpack(ARGV, texts + n, texts + math.min(number, n + AT_ONCE) - 1))
end
note_messages(ids, number, own.count)
for n = 0, number - 1 do
  local time = tonumber(ARGV[times + n])
  if given(own.latest) and time < own.latest then
    own.ordered = false
  else
    own.latest = time
  end
  if ARGV[ids + 2 * n + 1] == '1' and not given(own.owed_since) then
    own.owed_since = NOW
  end
end
own.count, own.known = own.count + number, own.known + number
own.held = given(own.held) and own.held + tonumber(ARGV[24]) or nil
if given(own.speakers) then
  own.speakers = with_speakers(own.speakers, ARGV[25])
end
if ARGV[bound + 1] ~= '' then
  local named = tonumber(ARGV[bound])
  own.window = named or own.window
  if outgrown(own, bound) then
    own.outgrown_since = given(own.outgrown_since) and own.outgrown_since or NOW
  elseif named then
    own.outgrown_since = nil
  end
end
own.last_accessed = NOW
own.expires_at = given(own.ttl) and NOW + own.ttl or nil
if changed then
  own.revision, own.updated_at = own.revision + 1, NOW
  patch[#patch + 1] = '"updated_at":' .. string.format('%d', math.floor(NOW))
end
patch[#patch + 1] = '"last_accessed":' .. string.format('%d', math.floor(NOW))
redis.call('JSON.MERGE', key, '$', '{' .. table.concat(patch, ',') .. '}')
redis.call('JSON.SET', key, '$.agent_memory', own_text(own))
renew(key, own.ttl)
return { 'done', head(key) }
