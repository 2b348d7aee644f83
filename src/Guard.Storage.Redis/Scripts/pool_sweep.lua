--! use: keeper, actor, drain
-- What there is to do for the keeper of a pool (IPoolUpkeepStore.SweepAsync). ARGV: the Guard, the epoch of its lease, age in ms from which
-- a silent runner is lost or -1 for never, age from which tombstones are due, most of each, eligible-after in ms, timing of restarts, age in
-- ms from which a refused actor is no longer pending, ms for which other kinds of leases are kept off. Reply: 1 for the first sweep under
-- this lease; silent runners, stopped runners whose actors have not all left, 1 when tombstones are due, runners that drain by version since
-- now, runners that drain and have actors, actors given up as they were, restarts due, ms until the next one or '', the runner-config or '',
-- how many are pending, of each runner whose life is a stream: id, Guard, terms, version, slots, actors, ms since it was opened, 1 when it
-- drains, 1 when its Guard leaves; ms until the next deadline to stop or tombstone or '', ms of the longest silence or '', 1 when who drains
-- by version depends on who is silent, ms of the oldest start or ''. Nothing when the lease is refused.
local most, eligibleAfter, restart = tonumber(ARGV[5]), tonumber(ARGV[6]), timing(ARGV[7])
local t = now()
local isFirst = enter(ARGV[1], ARGV[2], t, tonumber(ARGV[9]))
if isFirst == nil then
  return {}
end

local function first(key)
  return tonumber(redis.call('ZRANGE', pool .. key, 0, 0, 'WITHSCORES')[2])
end

local silent, heard, lostAfter = {}, first('pings'), tonumber(ARGV[3])
if lostAfter >= 0 and heard and t - heard > lostAfter then
  silent = redis.call('ZRANGEBYSCORE', pool .. 'pings', '-inf', '(' .. int(t - lostAfter), 'LIMIT', 0, most)
end
local tombs = first('tombs')

local drained = records(drainByVersion(t, eligibleAfter))
local timedOut, stops = {}, first('stopping')
if stops and stops <= t then
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', pool .. 'stopping', '-inf', int(t), 'LIMIT', 0, most)) do
    local actor = read(actorKey(id))
    timedOut[#timedOut + 1] = id
    timedOut[#timedOut + 1] = flat(actor)
    apply(id, actor, drainTimedOut(actor, restart, t))
  end
  stops = first('stopping')
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

local due, wait, restarts = {}, '', first('restarts')
if restarts and restarts <= t then
  due = redis.call('ZRANGEBYSCORE', pool .. 'restarts', '-inf', int(t), 'LIMIT', 0, most)
  restarts = tonumber(redis.call('ZRANGE', pool .. 'restarts', #due, #due, 'WITHSCORES')[2])
end
if restarts then
  wait = int(math.max(0, restarts - t))
end

local deadline, starts = '', first('starting')
local forgets = tombs and tombs + tonumber(ARGV[4]) + 1
if stops or (forgets and forgets > t) then
  deadline = int(math.max(0, math.min(stops or math.huge, forgets and forgets > t and forgets or math.huge) - t))
end
local versions = redis.call('HGET', pool .. 'config', 'drain') == '1' and redis.call('ZCARD', pool .. 'versions') > 1
  and redis.call('ZRANGE', pool .. 'versions', 0, 0, 'WITHSCORES')[2] ~= redis.call('ZRANGE', pool .. 'versions', -1, -1, 'WITHSCORES')[2]

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
  isFirst and 1 or 0, silent, redis.call('SRANDMEMBER', pool .. 'leaving', most), forgets and forgets <= t and 1 or 0, drained, records(draining), timedOut, due, wait,
  redis.call('HGET', pool .. 'config', 'json') or '', redis.call('ZCARD', pool .. 'pending'), streams,
  deadline, heard and int(t - heard) or '', versions and 1 or 0, starts and int(t - starts) or '',
}
