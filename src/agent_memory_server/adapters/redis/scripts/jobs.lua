-- The queue of background work: every look at it and every change of it is one call of this script.
-- KEYS: as named below. ARGV: the verb; the caller's present, or "" where its times are taken as they are; then what the
-- verb takes. Where the caller tells its present, its times are moved by the difference between its clock and the
-- server's, so that machines whose clocks differ agree on what is due. Times are Unix seconds.
--
-- A job is packed in `jobs` under its id. One that waits is in `due`, or parked: out of the way of a claim until the job
-- of its kind and key, or of its group, that runs has been settled. If no job of a group runs, the parked one that is
-- due longest is in `due`.
local NUMBER, JOBS, DUE, LEASES, DEAD, WAITING, RUNNING, GIVEN_UP, GROUPS, PARKED, WORKERS, BELL = unpack(KEYS)
-- jobs: id to job; due, leases, dead: ids by when they are due, their lease ends, they were given up; waiting, running,
-- given_up: kind and key to id; groups: group to the id that runs; parked: group, time and id, in the order of their
-- bytes; workers: their names by when they were seen last; bell: holds one entry when a job may have come.
local PARKED_AT_ONCE = 1000
local LOOKED_AT = 100

local time = redis.call('TIME')
local present = ARGV[2]
local shift = present ~= '' and (time[1] + time[2] / 1000000 - tonumber(present)) or 0

local function moment(text)
  return tonumber(text) + shift
end

local function told(at)
  return at and string.format('%.17g', at - shift) or ''
end

local function work_of(job)
  return #job.kind .. ':' .. job.kind .. job.key
end

local function load(id)
  local packed = id and redis.call('HGET', JOBS, id)
  return packed and cmsgpack.unpack(packed)
end

local function save(job)
  redis.call('HSET', JOBS, job.id, cmsgpack.pack(job))
end

local function ring()
  if redis.call('LLEN', BELL) == 0 then
    redis.call('RPUSH', BELL, 1)
  end
end

-- A new id: also where the queue was emptied and counts from one again, no id comes twice.
local function new_id()
  return string.format('%d%06d-%d', time[1], time[2], redis.call('INCR', NUMBER))
end

local function place(job)
  if job.parked and job.parked ~= '' then
    redis.call('ZREM', PARKED, job.parked)
  end
  job.parked = nil
  redis.call('ZADD', DUE, job.due, job.id)
  redis.call('HSET', WAITING, work_of(job), job.id)
  save(job)
end

local function prefix_of(group)
  return #group .. ':' .. group .. ':'
end

local function park(job, by_group)
  job.parked = ''
  if by_group then
    job.parked = prefix_of(job.group) .. string.format('%020.6f', math.max(job.due, 0)) .. ':' .. job.id
    redis.call('ZADD', PARKED, 0, job.parked)
  end
  redis.call('ZREM', DUE, job.id)
  save(job)
end

-- Whether a job runs under a field of `running` or `groups`. Any key of the queue may have been lost, so it must be there.
local function runs(set, field)
  local id = redis.call('HGET', set, field)
  return id and redis.call('ZSCORE', LEASES, id) and redis.call('HEXISTS', JOBS, id) == 1
end

-- What a job that waits cannot run beside, if anything: `running` for one of its kind and key, `groups` for its group.
local function blocked_by(job)
  return runs(RUNNING, work_of(job)) and RUNNING or job.group ~= '' and runs(GROUPS, job.group) and GROUPS or nil
end

local function free(group)
  if group == '' or runs(GROUPS, group) then
    return
  end
  local prefix = prefix_of(group)
  local first = redis.call('ZRANGEBYLEX', PARKED, '[' .. prefix, '+', 'LIMIT', 0, 1)[1]
  if not first or string.sub(first, 1, #prefix) ~= prefix then
    return
  end
  local job = load(string.match(first, ':([^:]+)$'))
  if job then
    return place(job)
  end
  redis.call('ZREM', PARKED, first)
  return free(group)
end

local function forget_dead_of(job)
  local id = redis.call('HGET', GIVEN_UP, work_of(job))
  if id then
    redis.call('HDEL', GIVEN_UP, work_of(job))
    redis.call('ZREM', DEAD, id)
    redis.call('HDEL', JOBS, id)
  end
end

-- The job of a claim, if the claim still holds it.
local function held(id, lease)
  local job = load(id)
  return job and redis.call('ZSCORE', LEASES, id) and job.lease == tonumber(lease) and job or nil
end

-- Take a job out of those that run; the one of its kind and key that waits.
local function leave(job)
  redis.call('ZREM', LEASES, job.id)
  redis.call('HDEL', RUNNING, work_of(job))
  redis.call('HDEL', GROUPS, job.group)
  return load(redis.call('HGET', WAITING, work_of(job)))
end

-- After `leave`: the one that waits, and one of the group, are in nobody's way any more.
local function settled(job, waiting)
  if waiting then
    place(waiting)
  end
  free(job.group)
  ring()
end

local function given(job)
  return { job.id, job.kind, job.key, job.arguments, job.group, job.attempts }
end

local verbs = {}

-- kind, key, arguments, group, due, "1" to postpone, longest_s or "", unless_dead_since or "".
function verbs.add(kind, key, arguments, group, due, postpone, longest, unless)
  local new = { kind = kind, key = key, attempts = 0, failures = 0, error = '', lease = 0 }
  local dead = redis.call('HGET', GIVEN_UP, work_of(new))
  if unless ~= '' and dead and tonumber(redis.call('ZSCORE', DEAD, dead)) >= moment(unless) then
    return 0
  end
  due = moment(due)
  local job = load(redis.call('HGET', WAITING, work_of(new)))
  local former = job and job.group or ''
  if not job then
    job, new.id, new.due, new.first_due = new, new_id(), due, due
  elseif postpone == '1' then
    local latest = longest ~= '' and job.first_due + tonumber(longest) or math.huge
    job.due = math.max(job.due, math.min(due, latest))
  elseif job.failures == 0 then
    job.due = math.min(job.due, due)
  end
  job.arguments, job.group = arguments, group
  place(job)
  free(former)
  ring()
  return 1
end

function verbs.figures()
  return { redis.call('HLEN', WAITING), redis.call('ZCARD', LEASES), redis.call('ZCARD', DEAD) }
end

-- limit.
function verbs.dead(limit)
  local found = {}
  for _, id in ipairs(redis.call('ZREVRANGE', DEAD, 0, limit - 1)) do
    local job = load(id)
    if job then
      local entry = given(job)
      table.insert(entry, job.error)
      table.insert(entry, told(job.due))
      table.insert(found, entry)
    end
  end
  return found
end

-- now, then ids.
function verbs.retry(now, ...)
  local found = 0
  for _, id in ipairs({ ... }) do
    local job = redis.call('ZREM', DEAD, id) == 1 and load(id) or nil
    if job then
      found = found + 1
      redis.call('HDEL', GIVEN_UP, work_of(job))
      local waiting = load(redis.call('HGET', WAITING, work_of(job)))
      if waiting then
        redis.call('HDEL', JOBS, id)
        job = waiting
        job.due = math.min(job.due, moment(now))
      else
        job.due, job.first_due = moment(now), moment(now)
      end
      job.attempts, job.failures, job.failing_since, job.error = 0, 0, nil, ''
      place(job)
    end
  end
  ring()
  return found
end

-- ids.
function verbs.discard(...)
  local found = 0
  for _, id in ipairs({ ... }) do
    local job = redis.call('ZSCORE', DEAD, id) and load(id) or nil
    if job then
      found = found + 1
      forget_dead_of(job)
    end
  end
  return found
end

local function head(set, now)
  local first = redis.call('ZRANGEBYSCORE', set, '-inf', now, 'WITHSCORES', 'LIMIT', 0, 1)
  return first[1], tonumber(first[2])
end

-- The claim of a job that runs from now on, or once more, until its lease ends.
local function taken(job, lease_ends)
  job.attempts, job.lease = job.attempts + 1, job.lease + 1
  if redis.call('ZREM', DUE, job.id) == 1 then
    redis.call('HDEL', WAITING, work_of(job))
  end
  redis.call('ZADD', LEASES, lease_ends, job.id)
  redis.call('HSET', RUNNING, work_of(job), job.id)
  if job.group ~= '' then
    redis.call('HSET', GROUPS, job.group, job.id)
  end
  save(job)
  local claim = given(job)
  for _, value in ipairs({ job.lease, job.failures, told(job.failing_since) }) do
    table.insert(claim, value)
  end
  return claim
end

-- now, lease_s, limit.
function verbs.claim(now, lease_s, limit)
  now = moment(now)
  local claimed, parked = {}, 0
  while #claimed < tonumber(limit) do
    local over, ended = head(LEASES, now)
    local id, due = head(DUE, now)
    if over and (not id or ended < due or (ended == due and over < id)) then
      id = over
    end
    if not id then
      break
    end
    local job = load(id)
    if not job then
      redis.call('ZREM', DUE, id)
      redis.call('ZREM', LEASES, id)
    elseif id ~= over and blocked_by(job) then
      park(job, blocked_by(job) == GROUPS)
      parked = parked + 1
    else
      table.insert(claimed, taken(job, now + tonumber(lease_s)))
    end
    if parked == PARKED_AT_ONCE then
      ring()
      break
    end
  end
  return claimed
end

-- now, lease_s, limit, then kinds and keys.
function verbs.claim_named(now, lease_s, limit, ...)
  now = moment(now)
  local claimed, names = {}, { ... }
  for n = 1, #names, 2 do
    local work = work_of({ kind = names[n], key = names[n + 1] })
    local running = redis.call('HGET', RUNNING, work)
    local ends = running and tonumber(redis.call('ZSCORE', LEASES, running) or math.huge)
    local job = load(running and ends <= now and running or redis.call('HGET', WAITING, work))
    if job and #claimed < tonumber(limit) and (job.id == running or job.due <= now and not blocked_by(job)) then
      table.insert(claimed, taken(job, now + tonumber(lease_s)))
    end
  end
  return claimed
end

-- now, for how many seconds a worker counts.
function verbs.pulse(now, within_s)
  now = moment(now)
  local oldest
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', DUE, '-inf', now, 'LIMIT', 0, LOOKED_AT)) do
    local job = load(id)
    if job and not blocked_by(job) then
      oldest = job.due
      break
    end
  end
  return { redis.call('ZCOUNT', WORKERS, now - tonumber(within_s), '+inf'), told(oldest) }
end

-- name, now, for how many seconds a worker counts.
function verbs.beat(worker, now, within_s)
  now = moment(now)
  redis.call('ZADD', WORKERS, now, worker)
  redis.call('ZREMRANGEBYSCORE', WORKERS, '-inf', '(' .. string.format('%.17g', now - tonumber(within_s)))
  return 1
end

-- name.
function verbs.gone(worker)
  return redis.call('ZREM', WORKERS, worker)
end

-- id, lease, now, lease_s.
function verbs.renew(id, lease, now, lease_s)
  if not held(id, lease) then
    return 0
  end
  redis.call('ZADD', LEASES, moment(now) + tonumber(lease_s), id)
  return 1
end

-- id, lease.
function verbs.done(id, lease)
  local job = held(id, lease)
  if not job then
    return 0
  end
  local waiting = leave(job)
  redis.call('HDEL', JOBS, id)
  forget_dead_of(job)
  settled(job, waiting)
  return 1
end

-- id, lease, now, due, error, "1" where the attempt counts.
function verbs.fail(id, lease, now, due, error, counts)
  local job = held(id, lease)
  if not job then
    return 0
  end
  local waiting = leave(job)
  local again = waiting or job
  again.due = waiting and math.max(waiting.due, moment(due)) or moment(due)
  again.first_due = waiting and waiting.first_due or again.due
  again.attempts = job.attempts - (counts == '1' and 0 or 1)
  again.failures = job.failures + 1
  again.failing_since = job.failing_since or moment(now)
  again.error = error
  if waiting then
    redis.call('HDEL', JOBS, id)
  end
  settled(job, again)
  return 1
end

-- id, lease, now, error.
function verbs.give_up(id, lease, now, error)
  local job = held(id, lease)
  if not job then
    return 0
  end
  local waiting = leave(job)
  forget_dead_of(job)
  job.due, job.failures, job.error = moment(now), job.failures + 1, error
  redis.call('ZADD', DEAD, job.due, id)
  redis.call('HSET', GIVEN_UP, work_of(job), id)
  save(job)
  settled(job, waiting)
  return 1
end

-- id, lease, now.
function verbs.release(id, lease, now)
  local job = held(id, lease)
  if not job then
    return 0
  end
  local waiting = leave(job)
  local again = waiting or job
  again.due = waiting and math.min(waiting.due, moment(now)) or moment(now)
  again.attempts, again.failures, again.failing_since = job.attempts - 1, job.failures, job.failing_since
  if waiting then
    redis.call('HDEL', JOBS, id)
  end
  settled(job, again)
  return 1
end

-- When the next job is due or the next lease ends; "" for never.
function verbs.next_due()
  local first = math.huge
  for _, set in ipairs({ DUE, LEASES }) do
    first = math.min(first, tonumber(redis.call('ZRANGE', set, 0, 0, 'WITHSCORES')[2] or first))
  end
  return first < math.huge and told(first) or ''
end

return verbs[ARGV[1]](unpack(ARGV, 3))
