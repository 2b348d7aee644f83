--! use: heartbeat
-- ARGV: id, eligible-after in ms. Reply: 1 when draining, version of its actors; nothing when it must register again.
local id = ARGV[1]
local runner = read(runnerKey(id))
if not runner or runner.stp then
  return {}
end
heard(id, runner, now(), tonumber(ARGV[2]))
return { drains(runner) and 1 or 0, runner.av }
