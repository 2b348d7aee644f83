--! use: actor, health
-- What a runner says of one of its actors (IActorStore.ApplyEventAsync). ARGV: id, runner, generation, event, error of a crash,
-- timing of restarts, and of the success that a ready counts: error TTL in ms, the epoch of a new record, successes to clear.
-- Reply: ok, stale or unknown.
local id, runner, generation, event, err, restart = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], timing(ARGV[6])
local actor = read(actorKey(id))
if not actor then
  return 'unknown'
end
if actor.g ~= generation or actor.ru ~= runner or not holds(actor.s) then
  return 'stale'
end

local t = now()
local after = nil
if event == 'ready' then
  after = commitReady(actor, generation, t)
elseif event == 'stopped' or event == 'sleep' then
  if actor.s == STOPPING then
    after = stopped(actor, t)
  elseif actor.s == STARTING and event == 'stopped' then
    after = rest(actor, nil, restart, t)
  else
    after = sleep(actor, SLEEPING, nil, t)
  end
elseif event == 'crashed' then
  after = fail(actor, err, restart, t)
elseif event == 'destroy' then
  after = destroy(actor, t)
end
if not after then
  return 'stale'
end
if apply(id, actor, after) and after.s == READY then
  succeed(t, tonumber(ARGV[7]), ARGV[8], tonumber(ARGV[9]))
end
tellCapacity()
return 'ok'
