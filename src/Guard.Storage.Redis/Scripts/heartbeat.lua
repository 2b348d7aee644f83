--! use: runner
-- Notes that a live runner was heard of.
local function heard(id, runner, t, eligibleAfter)
  local was = eligible(runner, t, eligibleAfter)
  redis.call('HSET', runnerKey(id), 'p', int(t))
  if not runner.stc then
    redis.call('ZADD', pool .. 'pings', t, id)
  end
  if not was and not drains(runner) and tonumber(runner.rem) > 0 then
    publish('c|' .. poolName)
  end
end
