-- The words of a list from this one on; `unpack` could not hold many.
local function rest(list, from)
  local found = {}
  for n = from, #list do
    found[#found + 1] = list[n]
  end
  return found
end

-- Whether a number is still this one; where its key lies in another slot, whoever calls has asked.
local function guarded(key, number)
  return (redis.call('GET', key) or '0') == number
end
