--! use: keeper, stop
-- Stops a runner: its actors lose it, some per call, so that Redis is never held for long. ARGV: id; '' to stop it whatever it does, or
-- the age in ms its last heartbeat must have exceeded; most actors per call, eligible-after in ms, timing of restarts; with an age: the Guard
-- that keeps the pool, the epoch of its lease.
-- Reply: 1 when this call stopped it, actors left to do, its record; nothing when it is not stopped and not to be stopped.
if ARGV[2] ~= '' and not keeps(ARGV[6], ARGV[7]) then
  return {}
end
local id, lostAfter, most, restart = ARGV[1], ARGV[2], tonumber(ARGV[3]), timing(ARGV[5])
local runner = read(runnerKey(id))
if not runner then
  return {}
end
local t = now()
local stopped = 0
if not runner.stp then
  if lostAfter ~= '' and (runner.stc or t - tonumber(runner.p) <= tonumber(lostAfter)) then
    return {}
  end
  stopped = 1
  stopRunner(id, runner, t, tonumber(ARGV[4]))
end
local all = redis.call('HKEYS', actorsKey(id))
for i = 1, math.min(#all, most) do
  local actor = read(actorKey(all[i]))
  if actor and actor.ru == id and holds(actor.s) then
    apply(all[i], actor, runnerLost(actor, restart, t))
  else
    redis.call('HDEL', actorsKey(id), all[i])
  end
end
local left = redis.call('HLEN', actorsKey(id))
if left == 0 then
  redis.call('SREM', pool .. 'leaving', id)
end
return { stopped, left, flat(runner) }
