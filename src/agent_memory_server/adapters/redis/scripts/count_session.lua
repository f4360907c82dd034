-- Note how many tokens the messages have, and whether the session is to be folded.
-- ARGV behind the shared ones: the revision at which they were counted; tokens; "1" where it is to be folded; what the
-- index looks for, of a session that was counted.
-- Answers {"foreign", key}; {"none"} when the session is at another revision or gone; or {"done"}.
local key, own, foreign = located()
if foreign then
  return { 'foreign', foreign }
end
if not key or over(own) or exactly(own.revision) ~= ARGV[4] then
  return { 'none' }
end
own.held, own.exact = tonumber(ARGV[5]), ARGV[7]
own.outgrown_since = ARGV[6] == '1' and (given(own.outgrown_since) and own.outgrown_since or NOW) or nil
if not given(own.speakers) then
  own.speakers = with_speakers('[]', redis.call('JSON.GET', key, '$.messages[*].role'))
end
redis.call('JSON.SET', key, '$.agent_memory', own_text(own))
return { 'done' }
