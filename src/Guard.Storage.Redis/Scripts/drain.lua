--! use: runner
-- Drains by version (VersionDrain): a runner drains so exactly while one of a higher version serves. versions holds the live runners and
-- vdrained those of them that drain so, both by version: where nothing changes, two counts tell.
local function newestVersion(t, eligibleAfter)
  if redis.call('HGET', pool .. 'config', 'drain') ~= '1' then
    return nil
  end
  local from = 0
  while true do
    local page = redis.call('ZREVRANGE', pool .. 'versions', from, from + 15, 'WITHSCORES')
    if #page == 0 then
      return nil
    end
    for i = 1, #page, 2 do
      local runner = read(runnerKey(page[i]))
      if runner and serves(runner, t, eligibleAfter) then
        return page[i + 1]
      end
    end
    from = from + 16
  end
end

-- Returns the ids of those that drain since now.
local function drainByVersion(t, eligibleAfter)
  local newest = newestVersion(t, eligibleAfter)
  local back = redis.call('ZRANGEBYSCORE', pool .. 'vdrained', newest or '-inf', '+inf')
  local room = false
  for _, id in ipairs(back) do
    local runner = read(runnerKey(id))
    redis.call('ZREM', pool .. 'vdrained', id)
    if runner and not runner.stp then
      runner.vd = nil
      redis.call('HDEL', runnerKey(id), 'vd')
      room = (recount(id, runner) > 0 and not runner.dr) or room
    end
  end
  if room then
    publish('c|' .. poolName)
  end
  local drained = {}
  if not newest then
    return drained
  end
  local below = '(' .. newest
  if redis.call('ZCOUNT', pool .. 'versions', '-inf', below) == redis.call('ZCOUNT', pool .. 'vdrained', '-inf', below) then
    return drained
  end
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', pool .. 'versions', '-inf', below)) do
    if not redis.call('ZSCORE', pool .. 'vdrained', id) then
      local runner = read(runnerKey(id))
      runner.vd = int(t)
      redis.call('ZADD', pool .. 'vdrained', runner.v, id)
      recount(id, runner, 'vd', runner.vd)
      drained[#drained + 1] = id
    end
  end
  return drained
end

-- Pairs of id and record.
local function records(ids)
  local reply = {}
  for _, id in ipairs(ids) do
    reply[#reply + 1] = id
    reply[#reply + 1] = redis.call('HGETALL', runnerKey(id))
  end
  return reply
end
