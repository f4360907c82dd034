-- The words of a list from this one on; `unpack` could not hold many.
local function rest(list, from)
  local found = {}
  for n = from, #list do
    found[#found + 1] = list[n]
  end
  return found
end
