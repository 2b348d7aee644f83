--! use: actor, drain
-- The lease of a pool, and what there is to do for its holder (IPoolUpkeepStore.SweepAsync). ARGV: the Guard, ms it holds the lease, age in
-- ms from which a silent runner is lost or -1 for never, age from which tombstones are due, most of each, eligible-after in ms, timing of
-- restarts, age in ms from which a refused actor is no longer pending. Reply: 1 when the lease was taken, 0 when renewed; silent runners, stopped runners whose actors have not all left, tombstones
-- due, runners that drain by version since now, runners that drain and have actors, actors given up as they were, restarts due, ms until
-- the next one or '', the runner-config or '', how many are pending, and of each runner whose life is a stream: id, Guard, terms, version,
-- slots, actors, ms since it was opened, 1 when it drains, 1 when its Guard leaves. Nothing when another Guard holds the lease.
local most, eligibleAfter, restart = tonumber(ARGV[5]), tonumber(ARGV[6]), timing(ARGV[7])
local t = now()
local lease = read(pool .. 'lease')
local held = lease and t < tonumber(lease['until'])
if held and lease.guard ~= ARGV[1] then
  return {}
end
redis.call('HSET', pool .. 'lease', 'guard', ARGV[1], 'until', int(t + tonumber(ARGV[2])))

local silent = {}
if tonumber(ARGV[3]) >= 0 then
  silent = redis.call('ZRANGEBYSCORE', pool .. 'pings', '-inf', '(' .. int(t - tonumber(ARGV[3])), 'LIMIT', 0, most)
end
local tombs = redis.call('ZRANGEBYSCORE', pool .. 'tombs', '-inf', '(' .. int(t - tonumber(ARGV[4])), 'LIMIT', 0, most)

local drained = records(drainByVersion(t, eligibleAfter))
local timedOut = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', pool .. 'stopping', '-inf', int(t), 'LIMIT', 0, most)) do
  local actor = read(actorKey(id))
  timedOut[#timedOut + 1] = id
  timedOut[#timedOut + 1] = flat(actor)
  apply(id, actor, drainTimedOut(actor, restart, t))
end
tellCapacity()

local draining, seen = {}, {}
for _, ids in ipairs({ redis.call('SMEMBERS', pool .. 'draining'), redis.call('ZRANGE', pool .. 'vdrained', 0, -1) }) do
  for _, id in ipairs(ids) do
    if not seen[id] and redis.call('HLEN', actorsKey(id)) > 0 then
      draining[#draining + 1] = id
    end
    seen[id] = true
  end
end

local due = redis.call('ZRANGEBYSCORE', pool .. 'restarts', '-inf', int(t), 'LIMIT', 0, most)
local after = redis.call('ZRANGE', pool .. 'restarts', #due, #due, 'WITHSCORES')
local wait = ''
if #after > 0 then
  wait = int(math.max(0, tonumber(after[2]) - t))
end

redis.call('ZREMRANGEBYSCORE', pool .. 'pending', '-inf', '(' .. int(t - tonumber(ARGV[8])))
local streams = {}
for _, id in ipairs(redis.call('SMEMBERS', pool .. 'streams')) do
  local f = redis.call('HMGET', runnerKey(id), 'ow', 'tm', 'v', 't', 'op', 'dr', 'vd', 'lv')
  local values = {
    id, f[1], f[2], f[3], f[4], redis.call('HLEN', actorsKey(id)), int(t - tonumber(f[5])), (f[6] or f[7]) and 1 or 0, f[8] and 1 or 0,
  }
  for _, value in ipairs(values) do
    streams[#streams + 1] = value
  end
end
return {
  held and 0 or 1, silent, redis.call('SRANDMEMBER', pool .. 'leaving', most), tombs, drained, records(draining), timedOut, due, wait,
  redis.call('HGET', pool .. 'config', 'json') or '', redis.call('ZCARD', pool .. 'pending'), streams,
}
