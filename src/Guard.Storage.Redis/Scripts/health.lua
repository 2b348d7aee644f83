--! use: clock, pool
-- The health of a pool is the hash health. What its steps do is said in PoolHealth; this does the same, and the contract suite holds both
-- to it. Fields: ep epoch, q seq, er errors, su successes, le last error (JSON), lt and lq its time and seq, rs red since, pi probe,
-- pg granted at, po 1 while it is open, h heard since (0 nothing, 1 success, 2 failure).
local healthKey = pool .. 'health'

-- A record that cannot be read is none: unknown is green, and the next report makes a new one.
local function sound(health)
  if not health or not tonumber(health.ep) or not tonumber(health.q) or not tonumber(health.er) or not tonumber(health.su)
    or (health.le and not (tonumber(health.lt) and tonumber(health.lq))) or (health.rs and not (health.le and tonumber(health.rs)))
    or (health.pi and not tonumber(health.pg)) then
    return nil
  end
  return health
end

local function load()
  return sound(read(healthKey))
end

local function expire(health, t, ttl)
  if not health or not health.le or t - tonumber(health.lt) < ttl then
    return health
  end
  local after = copy(health)
  after.q = int(tonumber(health.q) + 1)
  after.er = '0'
  after.le, after.lt, after.lq, after.rs = nil, nil, nil, nil
  return after
end

local function fresh(epoch)
  return { ep = epoch, q = '0', er = '0', su = '0', h = '0' }
end

-- Others must hear of a new colour, a new or vanished error, or a success on a red pool (PoolHealth.IsNewsAfter).
local function isNews(before, after)
  before = before or {}
  return (after.rs == nil) ~= (before.rs == nil) or after.lq ~= before.lq or (after.rs ~= nil and after.q ~= before.q)
end

local function save(before, after)
  if after == before or after == nil then
    return
  end
  if before == nil then
    redis.call('DEL', healthKey)
  end
  write(healthKey, before, after)
  if isNews(before, after) then
    redis.call('PUBLISH', prefix .. ':health', table.concat({
      poolName, after.ep, after.q, after.rs or '0', after.su, after.lt or '0', after.lq or '0', after.le or '' }, '|'))
  end
end

local function untilProbe(health, t, interval)
  if not health.pi or (health.po ~= '1' and health.h == '1') then
    return 0
  end
  local since = t - tonumber(health.pg)
  if since < 0 or since >= interval then
    return 0
  end
  return interval - since
end

-- Counts a success. ttl, epoch, clear: error TTL in ms, the epoch of a new record, successes to clear. Returns the record. Never fails,
-- for it may be a part of an actor's transition: a key of another type is replaced as a record that cannot be read is.
local function succeed(t, ttl, epoch, clear)
  local reply = redis.pcall('HGETALL', healthKey)
  local before = not reply.err and sound(record(reply)) or nil
  local after = copy(expire(before, t, ttl) or fresh(epoch))
  local successes = math.min(tonumber(after.su), clear - 1) + 1
  after.q = int(tonumber(after.q) + 1)
  after.er, after.su, after.h = '0', int(successes), '1'
  if not after.rs or successes >= clear then
    after.le, after.lt, after.lq, after.rs = nil, nil, nil, nil
  end
  save(before, after)
  return after
end
