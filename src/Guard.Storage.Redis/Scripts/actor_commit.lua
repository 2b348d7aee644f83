--! use: actor
-- Ends or moves on one generation. ARGV: id, generation, what ('ready', 'failed', 'failed_for_good', 'disowned', 'stopped'), error,
-- timing of restarts. Reply: ok, stale or not_found; 1 when the record changed.
local id, generation, what, err, restart = ARGV[1], ARGV[2], ARGV[3], ARGV[4], timing(ARGV[5])
local actor = read(actorKey(id))
if not actor then
  return { 'not_found', 0 }
end

local t = now()
local after = nil
if what == 'ready' then
  after = commitReady(actor, generation, t)
elseif what == 'disowned' then
  if actor.g == generation and actor.s == READY then
    after = rest(actor, nil, restart, t)
  end
elseif what == 'stopped' then
  if actor.g == generation and actor.s == STOPPING then
    after = stopped(actor, t)
  end
elseif actor.g == generation and actor.s == STARTING then
  after = what == 'failed' and rest(actor, nil, restart, t) or fail(actor, err, restart, t)
end
if not after then
  return { 'stale', 0 }
end
local changed = apply(id, actor, after)
tellCapacity()
return { 'ok', changed and 1 or 0 }
