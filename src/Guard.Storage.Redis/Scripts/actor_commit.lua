--! use: actor, health
-- Ends or moves on one generation; one that becomes ready counts a success of its pool. ARGV: id, generation, what ('ready', 'failed',
-- 'failed_for_good', 'disowned', 'stopped'), error, timing of restarts, and of the success: error TTL in ms, the epoch of a new record,
-- successes to clear. Reply: ok, stale or not_found; the record.
local id, generation, what, err, restart = ARGV[1], ARGV[2], ARGV[3], ARGV[4], timing(ARGV[5])
local actor = read(actorKey(id))
if not actor then
  return { 'not_found', {} }
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
  return { 'stale', flat(actor) }
end
if apply(id, actor, after) and after.s == READY then
  succeed(t, tonumber(ARGV[6]), ARGV[7], tonumber(ARGV[8]))
end
tellCapacity()
return { 'ok', flat(after) }
