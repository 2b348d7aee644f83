--! use: runner
-- ARGV: id, eligible-after in ms. Reply: 1 when draining, version of its actors; nothing when it must register again.
local id = ARGV[1]
local runner = read(runnerKey(id))
if not runner or runner.stp then
  return {}
end
local t = now()
local was = eligible(runner, t, tonumber(ARGV[2]))
redis.call('HSET', runnerKey(id), 'p', int(t))
if not runner.stc then
  redis.call('ZADD', pool .. 'pings', t, id)
end
if not was and not drains(runner) and tonumber(runner.rem) > 0 then
  publish('c|' .. poolName)
end
return { drains(runner) and 1 or 0, runner.av }
