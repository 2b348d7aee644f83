--! use: keeper, actor, drain
-- The next step of a runner's drain (IPoolUpkeepStore.EvictAsync). ARGV: id, delay and grace in ms, most that may begin to stop, most that
-- are given up, timing of restarts, the Guard, the epoch of its lease. Reply: actors that are stopping since now, actors given up as they were (both pairs of id and record),
-- 1 when there are more.
local id, delay, grace, most, mostGivenUp = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local restart = timing(ARGV[6])
local runner = read(runnerKey(id))
if not keeps(ARGV[7], ARGV[8]) or not runner or runner.stp or not drains(runner) then
  return { {}, {}, 0 }
end
local t = now()
local since = math.min(tonumber(runner.dr or runner.vd), tonumber(runner.vd or runner.dr))
if t - since < delay then
  return { {}, {}, 0 }
end

local stopping, givenUp, more = {}, {}, 0
local deadline = since + grace
for _, actorId in ipairs(redis.call('HKEYS', actorsKey(id))) do
  local actor = read(actorKey(actorId))
  if t >= deadline then
    if #givenUp >= 2 * mostGivenUp then
      more = 1
      break
    end
    givenUp[#givenUp + 1] = actorId
    givenUp[#givenUp + 1] = flat(actor)
    apply(actorId, actor, drainTimedOut(actor, restart, t))
  elseif actor.s == READY then
    if #stopping >= 2 * most then
      more = 1
      break
    end
    local after = beginStop(actor, deadline)
    apply(actorId, actor, after)
    stopping[#stopping + 1] = actorId
    stopping[#stopping + 1] = flat(after)
  end
end
tellCapacity()
return { stopping, givenUp, more }
