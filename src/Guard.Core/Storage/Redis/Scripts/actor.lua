--! use: clock, pool, runner
-- An actor is the hash actor:{id}. What the transitions do is said in ActorLifecycle; this does the same, and the contract suite holds
-- both to it. Fields: n name, k key, cp crash policy (0 sleep, 1 restart, 2 destroy), in input, s state, g generation, r revision,
-- ru/re/rp runner id, endpoint and protocol, st starter, si start id, e error, c created, ss start, pa pending allocation, co connectable,
-- sl sleep, rs reschedule, d destroyed (times in Unix ms).
-- Errors: N no capacity, R/L/D no response, connection lost, draining timeout followed by the runner, C crashed followed by the message, I internal.
local SLEEPING, STARTING, READY, STOPPING, DESTROYED = '0', '1', '2', '3', '4'
local RESCHEDULE_DELAY = 1000
local capacity = false

local function actorKey(id)
  return pool .. 'actor:' .. id
end

local function holds(state)
  return state == STARTING or state == READY or state == STOPPING
end

local function raise(actor)
  actor.r = int(tonumber(actor.r) + 1)
end

-- Makes `after` the record and moves its slot. Returns whether anything changed.
local function apply(id, before, after)
  if before.r == after.r then
    return false
  end
  write(actorKey(id), before, after)
  local had, has = holds(before.s), holds(after.s)
  local same = had and has and before.g == after.g
  if had and not same then
    redis.call('HDEL', actorsKey(before.ru), id)
    if actorsChanged(before.ru) > 0 then
      capacity = true
    end
  end
  if has and not same then
    redis.call('HSET', actorsKey(after.ru), id, after.g)
    actorsChanged(after.ru)
  end
  if after.s == STARTING then
    redis.call('ZADD', pool .. 'starting', after.ss, id)
  elseif before.s == STARTING then
    redis.call('ZREM', pool .. 'starting', id)
  end
  if after.s == DESTROYED and before.s ~= DESTROYED then
    redis.call('ZADD', pool .. 'tombs', after.d, 'a:' .. id)
  end
  publish('a|' .. poolName .. '|' .. id .. '|' .. after.r)
  return true
end

-- Call last: whoever hears that there is room finds it.
local function tellCapacity()
  if capacity then
    publish('c|' .. poolName)
  end
end

local function released(actor, state)
  local after = copy(actor)
  after.s = state
  raise(after)
  after.ru, after.re, after.rp, after.st, after.si, after.pa, after.co, after.rs = nil, nil, nil, nil, nil, nil, nil, nil
  return after
end

local function sleep(actor, err, t)
  local after = released(actor, SLEEPING)
  after.e = err
  after.sl = int(t)
  return after
end

local function destroy(actor, t)
  if actor.s == DESTROYED then
    return actor
  end
  local after = released(actor, DESTROYED)
  after['in'] = nil
  after.d = int(t)
  return after
end

local function fail(actor, err, t)
  if actor.cp == '2' then
    local after = destroy(actor, t)
    after.e = err
    return after
  end
  local after = sleep(actor, err, t)
  if actor.cp == '1' then
    after.rs = int(t + RESCHEDULE_DELAY)
  end
  return after
end

-- Returns nil when refused, the same record when there is nothing left to do.
local function commitReady(actor, generation, t)
  if actor.g ~= generation then
    return nil
  end
  if actor.s == READY then
    return actor
  end
  if actor.s ~= STARTING then
    return nil
  end
  local after = copy(actor)
  after.s = READY
  raise(after)
  after.st, after.e = nil, nil
  after.co = int(t)
  return after
end

local function runnerLost(actor, t)
  if actor.s == READY then
    return fail(actor, 'L' .. actor.ru, t)
  end
  if actor.s == STARTING or actor.s == STOPPING then
    return sleep(actor, nil, t)
  end
  return actor
end
