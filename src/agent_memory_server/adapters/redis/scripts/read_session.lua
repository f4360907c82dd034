-- Read a session: {"none"}, {"foreign", key}, or {"found", head, and what was asked for}.
-- ARGV behind the shared ones: what to read of the messages:
--   head; all; last N (by time; all of them where times go back); known ID… (id and message of those that are there);
--   unread LIMIT BEFORE (the first unread ones, and those before the first).
local key, own, foreign = located()
if foreign then
  return { 'foreign', foreign }
end
if not key or over(own) then
  return { 'none' }
end
local what = ARGV[4]
local function messages(slice)
  return redis.call('JSON.GET', key, '$.messages[' .. slice .. ']')
end
local function message(position)
  return redis.call('JSON.GET', key, '.messages[' .. string.format('%d', position) .. ']')
end
if what == 'all' or (what == 'last' and not own.ordered) then
  return { 'found', head(key), redis.call('JSON.GET', key, '.messages') }
end
if what == 'last' then
  return { 'found', head(key), ARGV[5] == '0' and '[]' or messages('-' .. ARGV[5] .. ':') }
end
local answer = { 'found', head(key) }
if what == 'known' then
  for n = 5, #ARGV do
    local position = redis.call('HGET', POSITIONS, ARGV[n])
    if position then
      answer[#answer + 1] = ARGV[n]
      answer[#answer + 1] = message(position)
    end
  end
elseif what == 'unread' then
  local found = redis.call('ZRANGE', UNREAD, 0, ARGV[5] - 1, 'WITHSCORES')
  local before = '[]'
  if #found > 0 and ARGV[6] ~= '0' and found[2] ~= '0' then
    local first = tonumber(found[2])
    before = messages(string.format('%d:%d', math.max(0, first - ARGV[6]), first))
  end
  answer[3] = before
  for n = 2, #found, 2 do
    answer[#answer + 1] = message(found[n])
  end
end
return answer
