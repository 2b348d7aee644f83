--! use: actor, drain
-- Registers a runner, or renews the live one of its key. ARGV: id, key, version, total slots, static, eligible-after in ms, and of its
-- stream: the Guard that holds it or '', its terms, ms since it was opened, 1 when its Guard leaves; then where it is, as RUNNER_AT lists it.
-- Reply: its id, its record, the runners that drain by version since now; nothing when the pool is not configured.
local LOCATION = 11
if redis.call('HEXISTS', pool .. 'config', 'json') == 0 then
  return {}
end
local key, version, total, static = ARGV[2], ARGV[3], ARGV[4], ARGV[5] == '1'
local t = now()
local id = redis.call('HGET', pool .. 'runnerkeys', key)
local runner = id and read(runnerKey(id))
if runner then
  local after = copy(runner)
  local moved = settle(after, LOCATION)
  after.v, after.t, after.p = version, total, int(t)
  if static then
    after.stc = '1'
  end
  count(id, after)
  write(runnerKey(id), runner, after)
  runner = after
  if moved then
    for _, actorId in ipairs(redis.call('HKEYS', actorsKey(id))) do
      local actor = read(actorKey(actorId))
      local next = copy(actor)
      place(next, runner)
      raise(next)
      apply(actorId, actor, next)
    end
  end
else
  id = ARGV[1]
  runner = { k = key, v = version, t = total, rem = total, av = '0', c = int(t), p = int(t) }
  settle(runner, LOCATION)
  if static then
    runner.stc = '1'
  end
  if ARGV[7] ~= '' then
    runner.ow, runner.tm, runner.op = ARGV[7], ARGV[8], int(t - tonumber(ARGV[9]))
    runner.lv = ARGV[10] == '1' and '1' or nil
    redis.call('SADD', pool .. 'streams', id)
  end
  write(runnerKey(id), nil, runner)
  redis.call('HSET', pool .. 'runnerkeys', key, id)
end
if runner.stc then
  redis.call('ZREM', pool .. 'pings', id)
else
  redis.call('ZADD', pool .. 'pings', t, id)
end
redis.call('ZADD', pool .. 'versions', version, id)
if runner.vd then
  redis.call('ZADD', pool .. 'vdrained', version, id)
end
list(id, runner)
local drained = drainByVersion(t, tonumber(ARGV[6]))
publish('c|' .. poolName)
return { id, redis.call('HGETALL', runnerKey(id)), records(drained) }
