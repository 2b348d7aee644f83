--! use: actor
-- Takes a slot, raises the generation and moves the actor to starting, or says why not (IActorStore.TryBeginStartAsync).
-- ARGV: id, starter, start id, eligible-after in ms, generation that may be taken over or '', seed of the draw, timing of
-- restarts, 1 when the caller asks again, how many of the excluded runners were tried, excluded runners, those first...
-- Reply: what happened, the actor; of a granted start the runner's id and record, and the record that was replaced; without capacity, and
-- where runners were tried, 1 when there is an eligible one that was not.
local SAMPLE = 16
local id, starter, startId, eligibleAfter, takeOver = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
math.randomseed(tonumber(ARGV[6]))
local exclude, tried = {}, {}
local restart = timing(ARGV[7])
local anyTried = tonumber(ARGV[9]) > 0
for i = 10, #ARGV do
  exclude[ARGV[i]] = true
  tried[ARGV[i]] = tried[ARGV[i]] or i < 10 + tonumber(ARGV[9])
end

local actor = read(actorKey(id))
if not actor then
  return { 'not_found' }
end
if actor.s == DESTROYED then
  return { 'destroyed', flat(actor) }
end
if actor.s == READY then
  return { 'ready', flat(actor) }
end
if actor.s == STOPPING then
  return { 'stopping', flat(actor) }
end
local replaced = nil
if actor.s == STARTING then
  if actor.g ~= takeOver then
    return { 'starting', flat(actor) }
  end
  replaced = actor
end

local t = now()
local function candidate(runnerId)
  if exclude[runnerId] then
    return nil
  end
  local runner = inHand[runnerId] or read(runnerKey(runnerId))
  if not runner or not eligible(runner, t, eligibleAfter) then
    return nil
  end
  local left = tonumber(runner.rem)
  if replaced and replaced.ru == runnerId then
    left = left + 1
  end
  if left <= 0 then
    return nil
  end
  return { id = runnerId, left = left, runner = runner }
end

-- Of two that may be used, drawn at random, the one with more free slots. Reads no more of them than it takes to find two.
local function draw(ids)
  local first = nil
  for n = #ids, 1, -1 do
    local i = math.random(n)
    local c = candidate(ids[i])
    ids[i] = ids[n]
    if c and first then
      return c.left > first.left and c or first
    end
    first = first or c
  end
  return first
end

-- The newest version with room, of it a bounded sample; all of it only where the sample has nobody who may be used.
local function choose()
  local above = '+inf'
  while true do
    local top = redis.call('ZREVRANGEBYSCORE', pool .. 'free', above, '-inf', 'WITHSCORES', 'LIMIT', 0, SAMPLE + 1)
    if #top == 0 then
      return nil
    end
    local version = top[2]
    local newest = {}
    for i = 1, #top, 2 do
      if top[i + 1] == version then
        newest[#newest + 1] = top[i]
      end
    end
    local chosen = nil
    if #newest <= SAMPLE then
      chosen = draw(newest)
    else
      local count = redis.call('ZCOUNT', pool .. 'free', version, version)
      local below = redis.call('ZCOUNT', pool .. 'free', '-inf', '(' .. version)
      local sample, seen = {}, {}
      for _ = 1, SAMPLE do
        local rank = below + math.random(count) - 1
        if not seen[rank] then
          seen[rank] = true
          sample[#sample + 1] = redis.call('ZRANGE', pool .. 'free', rank, rank)[1]
        end
      end
      chosen = draw(sample) or draw(redis.call('ZRANGEBYSCORE', pool .. 'free', version, version))
    end
    if chosen then
      return chosen
    end
    above = '(' .. version
  end
end

-- The slot of the generation that is replaced counts as free: it may be the only one.
local own = replaced and read(runnerKey(replaced.ru))
if own then
  inHand[replaced.ru] = own
end
if own and not own.stp and not drains(own) then
  redis.call('ZADD', pool .. 'free', own.v, replaced.ru)
end
local chosen = choose()
if own and not own.stp then
  recount(replaced.ru, own)
end

local function hasUntried()
  for _, runnerId in ipairs(anyTried and redis.call('ZRANGE', pool .. 'versions', 0, -1) or {}) do
    local runner = not tried[runnerId] and read(runnerKey(runnerId))
    if runner and tonumber(runner.t) > 0 and eligible(runner, t, eligibleAfter) then
      return 1
    end
  end
  return 0
end

if not chosen then
  local due = actor.rs and tonumber(actor.rs) <= t
  if not replaced and (actor.s ~= PENDING or due) then
    local after = copy(actor)
    after.s = PENDING
    raise(after)
    after.e = 'N'
    after.pa = actor.pa or int(t)
    if due then
      after.rs = int(t + restartDelay(restart, 0))
    end
    apply(id, actor, after)
    actor = after
  end
  if not replaced then
    redis.call('ZADD', pool .. 'pending', t, id)
    if ARGV[8] ~= '1' then
      publish('w|' .. poolName)
    end
  end
  return { 'no_capacity', flat(actor), hasUntried() }
end

local after = copy(actor)
after.s = STARTING
after.g = int(tonumber(actor.g) + 1)
raise(after)
after.ru = chosen.id
place(after, chosen.runner)
after.st, after.si, after.ss = starter, startId, int(t)
after.pa, after.sl, after.rs = nil, nil, nil
inHand[chosen.id] = chosen.runner
apply(id, actor, after)
tellCapacity()
return { 'granted', flat(after), chosen.id, flat(chosen.runner), replaced and flat(replaced) or {} }
