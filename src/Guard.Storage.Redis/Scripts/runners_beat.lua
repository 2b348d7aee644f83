--! use: stop, heartbeat
-- Heartbeats of runners whose streams one Guard holds; those that drain and have no actors left are stopped. ARGV: eligible-after in ms,
-- then for each its id and 1 when its Guard leaves. Reply: for each 0 serving, 1 draining, 2 ended.
local eligibleAfter, t = tonumber(ARGV[1]), now()
local reply = {}
for i = 2, #ARGV, 2 do
  local id = ARGV[i]
  local runner = read(runnerKey(id))
  if runner and not runner.stp and runner.ow and drains(runner) and redis.call('HLEN', actorsKey(id)) == 0 then
    stopRunner(id, runner, t, eligibleAfter)
    redis.call('SREM', pool .. 'leaving', id)
  end
  if not runner or runner.stp or not runner.ow then
    reply[#reply + 1] = 2
  else
    if ARGV[i + 1] == '1' and not runner.lv then
      redis.call('HSET', runnerKey(id), 'lv', '1')
    end
    heard(id, runner, t, eligibleAfter)
    reply[#reply + 1] = drains(runner) and 1 or 0
  end
end
return reply
