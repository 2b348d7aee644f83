--! use: actor
-- Takes a slot, raises the generation and moves the actor to starting, or says why not (IActorStore.TryBeginStartAsync).
-- ARGV: id, starter, start id, eligible-after in ms, generation that may be taken over or '', seed of the draw, timing of
-- restarts, 1 when the caller asks again, excluded runners...
-- Reply: what happened, the actor, the runner's id and record, the record that was replaced.
local SAMPLE = 16
local id, starter, startId, eligibleAfter, takeOver = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
math.randomseed(tonumber(ARGV[6]))
local exclude = {}
local restart = timing(ARGV[7])
for i = 9, #ARGV do
  exclude[ARGV[i]] = true
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
  local runner = read(runnerKey(runnerId))
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

local function draw(ids)
  local found = {}
  for _, runnerId in ipairs(ids) do
    local c = candidate(runnerId)
    if c then
      found[#found + 1] = c
    end
  end
  if #found < 2 then
    return found[1]
  end
  local i = math.random(#found)
  local j = math.random(#found - 1)
  if j >= i then
    j = j + 1
  end
  local first, second = found[i], found[j]
  return second.left > first.left and second or first
end

-- The newest version with room, of it a bounded sample; all of it only where the sample has nobody who may be used.
local function choose()
  local above = '+inf'
  while true do
    local top = redis.call('ZREVRANGEBYSCORE', pool .. 'free', above, '-inf', 'WITHSCORES', 'LIMIT', 0, 1)
    if #top == 0 then
      return nil
    end
    local version = top[2]
    local count = redis.call('ZCOUNT', pool .. 'free', version, version)
    local chosen = nil
    if count > SAMPLE then
      local below = redis.call('ZCOUNT', pool .. 'free', '-inf', '(' .. version)
      local sample, seen = {}, {}
      for _ = 1, SAMPLE do
        local rank = below + math.random(count) - 1
        if not seen[rank] then
          seen[rank] = true
          sample[#sample + 1] = redis.call('ZRANGE', pool .. 'free', rank, rank)[1]
        end
      end
      chosen = draw(sample)
    end
    chosen = chosen or draw(redis.call('ZRANGEBYSCORE', pool .. 'free', version, version))
    if chosen then
      return chosen
    end
    above = '(' .. version
  end
end

-- The slot of the generation that is replaced counts as free: it may be the only one.
local own = replaced and read(runnerKey(replaced.ru))
if own and not own.stp and not drains(own) then
  redis.call('ZADD', pool .. 'free', own.v, replaced.ru)
end
local chosen = choose()
if own and not own.stp then
  recount(replaced.ru, own)
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
  return { 'no_capacity', flat(actor) }
end

local after = copy(actor)
after.s = STARTING
after.g = int(tonumber(actor.g) + 1)
raise(after)
after.ru = chosen.id
place(after, chosen.runner)
after.st, after.si, after.ss = starter, startId, int(t)
after.pa, after.sl, after.rs = nil, nil, nil
apply(id, actor, after)
tellCapacity()
return { 'granted', flat(after), chosen.id, flat(read(runnerKey(chosen.id))), replaced and flat(replaced) or {} }
