-- Delete a session with its messages.
-- ARGV behind the shared ones: "over" to delete it only when its time is over, "" only when it is not.
-- Answers {"foreign", key}, {"none"} or {"done"}.
local key, own, foreign = located()
if foreign then
  return { 'foreign', foreign }
end
if not key or over(own) ~= (ARGV[4] == 'over') then
  return { 'none' }
end
drop(key)
return { 'done' }
