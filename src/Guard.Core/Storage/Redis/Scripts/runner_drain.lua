--! use: runner
-- No new actors from now on. ARGV: id. Reply: 0 when unknown or stopped.
local id = ARGV[1]
local runner = read(runnerKey(id))
if not runner or runner.stp then
  return 0
end
if not runner.dr then
  runner.dr = int(now())
  redis.call('HSET', runnerKey(id), 'dr', runner.dr)
  recount(id, runner)
end
return 1
