--! use: actor, drain
-- Registers a runner, or renews the live one of its key. ARGV: id, key, version, endpoint, protocol, total slots, static,
-- eligible-after in ms, implicit, routing key or '', and of its stream: the Guard that holds it or '', its terms, ms since it was
-- opened, 1 when its Guard leaves. Reply: its id, its record, the runners that drain by version since now; nothing when the pool is not configured.
if redis.call('HEXISTS', pool .. 'config', 'json') == 0 then
  return {}
end
local key, version, endpoint, protocol, total, static = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7] == '1'
local implicit = ARGV[9] == '1' and '1' or nil
local routing = ARGV[10] ~= '' and ARGV[10] or nil
local t = now()
local id = redis.call('HGET', pool .. 'runnerkeys', key)
local runner = id and read(runnerKey(id))
if runner then
  local moved = runner.ep ~= endpoint or runner.pr ~= protocol or runner.im ~= implicit or runner.rk ~= routing
  local after = copy(runner)
  after.ep, after.pr, after.v, after.t, after.p, after.im, after.rk = endpoint, protocol, version, total, int(t), implicit, routing
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
      next.re, next.rp, next.ri, next.rk = endpoint, protocol, implicit, routing
      raise(next)
      apply(actorId, actor, next)
    end
  end
else
  id = ARGV[1]
  runner = { k = key, v = version, ep = endpoint, pr = protocol, t = total, rem = total, av = '0', c = int(t), p = int(t), im = implicit, rk = routing }
  if static then
    runner.stc = '1'
  end
  if ARGV[11] ~= '' then
    runner.ow, runner.tm, runner.op = ARGV[11], ARGV[12], int(t - tonumber(ARGV[13]))
    runner.lv = ARGV[14] == '1' and '1' or nil
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
local drained = drainByVersion(t, tonumber(ARGV[8]))
publish('c|' .. poolName)
return { id, redis.call('HGETALL', runnerKey(id)), records(drained) }
