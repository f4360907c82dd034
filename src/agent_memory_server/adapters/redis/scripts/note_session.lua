-- Know messages as folded.
-- ARGV behind the shared ones: id and digest of each.
-- Answers {"foreign", key}; {"none"} when there is no session; or {"done"}.
local key, own, foreign = located()
if foreign then
  return { 'foreign', foreign }
end
if not key or over(own) then
  return { 'none' }
end
for n = 4, #ARGV, 2 do
  redis.call('HSET', FOLDED, ARGV[n], ARGV[n + 1])
end
local left = redis.call('PTTL', key)
if left > 0 then
  redis.call('PEXPIRE', FOLDED, left)
end
return { 'done' }
