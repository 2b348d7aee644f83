--! use: actor, drain
-- Makes a live runner a stopped one; its actors are still to be taken from it.
local function stopRunner(id, runner, t, eligibleAfter)
  runner.stp = int(t)
  redis.call('HDEL', pool .. 'runnerkeys', runner.k)
  redis.call('ZREM', pool .. 'pings', id)
  redis.call('ZADD', pool .. 'tombs', t, 'r:' .. id)
  redis.call('SADD', pool .. 'leaving', id)
  redis.call('SREM', pool .. 'draining', id)
  redis.call('SREM', pool .. 'streams', id)
  redis.call('ZREM', pool .. 'versions', id)
  redis.call('ZREM', pool .. 'vdrained', id)
  recount(id, runner, 'stp', runner.stp)
  drainByVersion(t, eligibleAfter)
end
