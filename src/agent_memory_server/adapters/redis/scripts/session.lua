-- What the scripts of sessions share.
-- KEYS: the session's home, its place apart, positions of messages by id, unread messages by position,
-- folded messages (`keys.SessionKeys`).
-- ARGV: digest of the session's key, now, "1" where documents of other servers are passed over.
local HOME, APART, POSITIONS, UNREAD, FOLDED = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local DIGEST, NOW, PASSING = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
local HEAD = { '$.agent_memory', '$.context', '$.tokens', '$.data', '$.memories' }
local AT_ONCE = 1000

local function given(value)
  return value ~= nil and value ~= cjson.null and value ~= ''
end

-- Our member of a document; false where there is none, or it does not tell what is there; nil where nothing is.
local function own_of(key)
  local kind = redis.call('TYPE', key)['ok']
  if kind == 'none' then
    return nil
  end
  if kind ~= 'ReJSON-RL' then
    return false
  end
  local own = cjson.decode(redis.call('JSON.GET', key, '$.agent_memory'))[1]
  if not own then
    return false
  end
  if own.key == DIGEST then
    local length = redis.call('JSON.ARRLEN', key, '$.messages')[1]
    if length ~= own.count or redis.call('HLEN', POSITIONS) ~= own.known then
      return false
    end
  end
  return own
end

-- The session's document and our member of it; nil where it is not there. The third value is a document that another
-- server wrote: it has to be taken over first.
local function located()
  for _, key in ipairs(APART == HOME and { HOME } or { APART, HOME }) do
    local own = own_of(key)
    if own == false and not PASSING then
      return nil, nil, key
    end
    if own and own.key == DIGEST then
      return key, own
    end
  end
  return nil
end

local function over(own)
  return given(own.expires_at) and own.expires_at <= NOW
end

local function drop(key)
  redis.call('DEL', key, POSITIONS, UNREAD, FOLDED)
end

-- Where a new session goes.
local function free_place()
  redis.call('DEL', POSITIONS, UNREAD, FOLDED)
  return redis.call('EXISTS', HOME) == 0 and HOME or APART
end

-- The shortest text that names a number: RedisJSON reads up to 15 digits, and whole microseconds, as what they are, and
-- may miss a longer text by the last bit.
local function exactly(value)
  for digits = 15, 16 do
    local text = string.format('%.' .. digits .. 'g', value)
    if tonumber(text) == value then
      return text
    end
  end
  return string.format('%.17g', value)
end

-- Our member as JSON text. Numbers go as they are: cjson would round them.
local function own_text(own)
  local parts = {
    '"key":' .. cjson.encode(own.key), '"exact":' .. cjson.encode(own.exact), '"order":' .. cjson.encode(own.order),
    '"strategy":' .. cjson.encode(own.strategy), '"extra":' .. cjson.encode(own.extra),
    '"ordered":' .. (own.ordered and 'true' or 'false'),
    '"speakers":' .. cjson.encode(own.speakers or cjson.null),
  }
  for _, name in ipairs({ 'revision', 'count', 'known', 'created_at', 'updated_at', 'last_accessed', 'owed_since',
                          'expires_at', 'latest', 'ttl', 'held', 'window', 'outgrown_since' }) do
    if given(own[name]) then
      parts[#parts + 1] = '"' .. name .. '":' .. exactly(own[name])
    end
  end
  return '{' .. table.concat(parts, ',') .. '}'
end

-- Our member of words: exact, order, created_at, updated_at, last_accessed, expires_at, ttl, strategy, extra, latest,
-- ordered, held, speakers (`session_document.document_of`).
local function own_from(at)
  return {
    key = DIGEST, exact = ARGV[at], order = ARGV[at + 1], created_at = tonumber(ARGV[at + 2]),
    updated_at = tonumber(ARGV[at + 3]), last_accessed = tonumber(ARGV[at + 4]), expires_at = tonumber(ARGV[at + 5]),
    ttl = tonumber(ARGV[at + 6]), strategy = ARGV[at + 7], extra = ARGV[at + 8], latest = tonumber(ARGV[at + 9]),
    ordered = ARGV[at + 10] == '1', held = tonumber(ARGV[at + 11]), speakers = ARGV[at + 12],
    revision = 0, count = 0, known = 0,
  }
end

-- Whether a session has outgrown its window. at: where a bound's words begin: the window that a write names ("" for
-- none), the window of a session that has none ("" where there is no bound), the share of it (`domain.bound`).
local function outgrown(own, at)
  local size = given(own.window) and own.window or tonumber(ARGV[at + 1])
  return given(own.held) and size > 0 and own.held > math.floor(size * tonumber(ARGV[at + 2]))
end

-- Roles as JSON, those that are known and further ones; bounded (`domain.session.with_speakers`).
local MOST_SPEAKERS = 20
local function with_speakers(known, further)
  local all, seen = {}, {}
  for _, roles in ipairs({ cjson.decode(known), cjson.decode(further) }) do
    for _, role in ipairs(roles) do
      if not seen[role] and #all < MOST_SPEAKERS then
        all[#all + 1], seen[role] = role, true
      end
    end
  end
  return #all > 0 and cjson.encode(all) or '[]'
end

-- Note where messages are, from this place on: `number` pairs of id and "1" for an unread one.
local function note_messages(at, number, place)
  local positions, unread = {}, {}
  local function flush()
    if #positions > 0 then
      redis.call('HSET', POSITIONS, unpack(positions))
    end
    if #unread > 0 then
      redis.call('ZADD', UNREAD, unpack(unread))
    end
    positions, unread = {}, {}
  end
  for n = 0, number - 1 do
    local id = ARGV[at + 2 * n]
    positions[#positions + 1] = id
    positions[#positions + 1] = place + n
    if ARGV[at + 2 * n + 1] == '1' then
      unread[#unread + 1] = place + n
      unread[#unread + 1] = id
    end
    if #positions >= AT_ONCE then
      flush()
    end
  end
  flush()
end

-- Begin the time to live again; nil: none.
local function renew(key, ttl)
  for _, each in ipairs({ key, POSITIONS, UNREAD, FOLDED }) do
    if given(ttl) then
      redis.call('EXPIRE', each, math.max(1, math.ceil(ttl)))
    else
      redis.call('PERSIST', each)
    end
  end
end

local function head(key)
  return redis.call('JSON.GET', key, unpack(HEAD))
end

-- Change long-term records with this step, if all are as they were read: false, and nothing is changed, if not.
-- at: where its words begin; its keys stand behind the session's.
local function records_changed(at)
  if #KEYS == 5 then
    return true
  end
  return change_records(rest(KEYS, 6), rest(ARGV, at)) == 1
end
