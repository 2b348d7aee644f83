--! use: clock, pool, location
-- A runner is the hash runner:{id}; fields: k key, v version, RUNNER_AT where it is, t total slots, rem slots left, av version of its
-- actors, stc static, c created, dr drained by request since, vd drained by version since, stp stopped at, p last
-- heartbeat; and of its stream, where its life is one: ow the Guard that holds it, tm its terms, op opened, lv 1 when its Guard leaves. Its
-- actors are the hash runner:{id}:actors.
local function runnerKey(id)
  return pool .. 'runner:' .. id
end

local function actorsKey(id)
  return pool .. 'runner:' .. id .. ':actors'
end

-- Puts a runner where the arguments from `first` on say; '' is a field that is not there. Returns whether it was elsewhere.
local function settle(runner, first)
  local moved = false
  for i, field in ipairs(RUNNER_AT) do
    local value = ARGV[first + i - 1]
    if value == '' then
      value = nil
    end
    moved = moved or runner[field] ~= value
    runner[field] = value
  end
  return moved
end

local function drains(runner)
  return runner.dr ~= nil or runner.vd ~= nil
end

-- Whether a start may be given to it as far as its slots go: free lists those.
local function hasRoom(runner)
  return tonumber(runner.rem) > 0 and not drains(runner)
end

-- Counts the slots left: total less the actors it has, so the two cannot disagree.
local function count(id, runner)
  runner.rem = runner.stp and '0' or int(math.max(0, tonumber(runner.t) - redis.call('HLEN', actorsKey(id))))
  return tonumber(runner.rem)
end

local function list(id, runner)
  if hasRoom(runner) then
    redis.call('ZADD', pool .. 'free', runner.v, id)
  else
    redis.call('ZREM', pool .. 'free', id)
  end
end

-- Counts anew and writes that, together with other fields that changed: pairs of name and value.
local function recount(id, runner, ...)
  local left = count(id, runner)
  redis.call('HSET', runnerKey(id), 'rem', runner.rem, ...)
  list(id, runner)
  return left
end

-- Records that the script has read and keeps up to date, by id: they are not read again.
local inHand = {}

-- The runner has one actor more or less. Returns the slots left that may be taken.
local function actorsChanged(id)
  local runner = inHand[id] or read(runnerKey(id))
  if not runner or runner.stp then
    return 0
  end
  local hadRoom = hasRoom(runner)
  local left = count(id, runner)
  runner.av = int(tonumber(runner.av) + 1)
  redis.call('HSET', runnerKey(id), 'rem', runner.rem, 'av', runner.av)
  if hasRoom(runner) ~= hadRoom then
    list(id, runner)
  end
  return drains(runner) and 0 or left
end

-- Whether older runners drain because of it: it would take actors, had it not to drain by version itself.
local function serves(runner, t, eligibleAfter)
  return not runner.stp and not runner.dr and (runner.stc ~= nil or t - tonumber(runner.p) < eligibleAfter)
end

local function eligible(runner, t, eligibleAfter)
  return not runner.vd and serves(runner, t, eligibleAfter)
end
