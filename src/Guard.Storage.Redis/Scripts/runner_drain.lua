--! use: drain
-- No new actors from now on. ARGV: id, eligible-after in ms. Reply: 0 when unknown or stopped.
local id = ARGV[1]
local runner = read(runnerKey(id))
if not runner or runner.stp then
  return 0
end
if not runner.dr then
  local t = now()
  runner.dr = int(t)
  recount(id, runner, 'dr', runner.dr)
  redis.call('SADD', pool .. 'draining', id)
  drainByVersion(t, tonumber(ARGV[2]))
  publish('w|' .. poolName)
end
return 1
