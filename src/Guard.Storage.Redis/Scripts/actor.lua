--! use: clock, pool, runner
-- An actor is the hash actor:{id}. What the transitions do is said in ActorLifecycle; this does the same, and the contract suite holds
-- both to it. Fields: n name, k key, cp crash policy (0 sleep, 1 restart, 2 destroy), in input, s state (as ActorState numbers them), g generation, r revision,
-- ru runner id and ACTOR_AT where that is, st starter, si start id, e error, c created, ss start, pa pending allocation, co connectable,
-- sl at rest, rs reschedule, rc restarts, sd deadline to stop, d destroyed (times in Unix ms).
-- Errors: N no capacity, R/L/D no response, connection lost, draining timeout followed by the runner, C crashed followed by the message, I internal.
local SLEEPING, STARTING, READY, STOPPING, DESTROYED, PENDING, CRASHED = '0', '1', '2', '3', '4', '5', '6'
local capacity = false

local function actorKey(id)
  return pool .. 'actor:' .. id
end

local function holds(state)
  return state == STARTING or state == READY or state == STOPPING
end

-- Says where the actor runs: where that runner is, or, without one, nowhere.
local function place(actor, runner)
  for i, field in ipairs(ACTOR_AT) do
    actor[field] = runner and runner[RUNNER_AT[i]]
  end
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
  if before.s == PENDING and after.s ~= PENDING then
    redis.call('ZREM', pool .. 'pending', id)
  end
  if after.s == STARTING then
    redis.call('ZADD', pool .. 'starting', after.ss, id)
  elseif before.s == STARTING then
    redis.call('ZREM', pool .. 'starting', id)
  end
  if after.s == STOPPING then
    redis.call('ZADD', pool .. 'stopping', after.sd, id)
  elseif before.s == STOPPING then
    redis.call('ZREM', pool .. 'stopping', id)
  end
  if after.rs and after.rs ~= before.rs then
    redis.call('ZADD', pool .. 'restarts', after.rs, id)
  elseif before.rs and not after.rs then
    redis.call('ZREM', pool .. 'restarts', id)
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

-- RestartTiming: base delay, longest delay, quiet time in ms, jitter 0 to 1000.
local function timing(text)
  local base, longest, reset, jitter = string.match(text, '^(%d+)|(%d+)|(%d+)|(%d+)$')
  return { base = tonumber(base), longest = tonumber(longest), reset = tonumber(reset), jitter = tonumber(jitter) }
end

local function restartDelay(restart, restarts)
  return math.floor(math.min(restart.longest, restart.base * 2 ^ math.min(restarts, 30)) * (1000 + restart.jitter) / 2000)
end

local function released(actor, state)
  local after = copy(actor)
  after.s = state
  raise(after)
  after.ru, after.st, after.si = nil, nil, nil
  place(after, nil)
  after.pa, after.co, after.rs, after.sd = nil, nil, nil, nil
  return after
end

local function sleep(actor, state, err, t)
  local after = released(actor, state)
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

-- It ended against its will.
local function rest(actor, err, restart, t)
  local after = sleep(actor, err and CRASHED or SLEEPING, err, t)
  if actor.cp == '1' then
    local quiet = actor.co and t - tonumber(actor.co) >= restart.reset
    local restarts = quiet and 0 or tonumber(actor.rc or '0')
    after.rs = int(t + restartDelay(restart, restarts))
    after.rc = int(restarts + 1)
  end
  return after
end

local function fail(actor, err, restart, t)
  if actor.cp == '2' then
    local after = destroy(actor, t)
    after.e = err
    return after
  end
  return rest(actor, err, restart, t)
end

-- It ended as it was told to.
local function stopped(actor, t)
  local after = sleep(actor, SLEEPING, nil, t)
  if actor.cp == '1' then
    after.rs = int(t)
  end
  return after
end

local function beginStop(actor, deadline)
  local after = copy(actor)
  after.s = STOPPING
  raise(after)
  after.sd = int(deadline)
  after.co = nil
  return after
end

local function drainTimedOut(actor, restart, t)
  if actor.s == STARTING then
    return rest(actor, nil, restart, t)
  end
  if actor.s ~= READY and actor.s ~= STOPPING then
    return actor
  end
  local after = fail(actor, 'D' .. actor.ru, restart, t)
  if after.rs then
    after.rs = int(t)
    after.rc = actor.rc
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

local function runnerLost(actor, restart, t)
  if actor.s == READY then
    return fail(actor, 'L' .. actor.ru, restart, t)
  end
  if actor.s == STARTING then
    return rest(actor, nil, restart, t)
  end
  if actor.s == STOPPING then
    return stopped(actor, t)
  end
  return actor
end
