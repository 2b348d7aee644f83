--! use: runner
-- The actors a runner owns. ARGV: id. Reply: version of its actors, pairs of id and generation; nothing when unknown or stopped.
local runner = read(runnerKey(ARGV[1]))
if not runner or runner.stp then
  return {}
end
return { runner.av, redis.call('HGETALL', actorsKey(ARGV[1])) }
