--! use: clock, pool
-- The fence of a pool: the hash lease says under which lease of its partition it was looked at last (keeper, epoch). A lease with a lower
-- epoch has lost every right. guard and until are what Guards that lease each pool for itself go by; theirs is respected while it lasts.
local function keeps(guard, epoch)
  local lease = redis.call('HMGET', pool .. 'lease', 'keeper', 'epoch')
  return lease[1] == guard and lease[2] == epoch
end

-- Returns nil when the lease is refused, true when the pool had not been looked at under it.
local function enter(guard, epoch, t, ttl)
  local lease = read(pool .. 'lease') or {}
  if lease.epoch and tonumber(lease.epoch) > tonumber(epoch) then
    return nil
  end
  if lease.guard and lease.guard ~= guard and lease.guard ~= lease.keeper and t < tonumber(lease['until']) then
    return nil
  end
  redis.call('HSET', pool .. 'lease', 'keeper', guard, 'epoch', epoch, 'guard', guard, 'until', int(t + ttl))
  return lease.keeper ~= guard or lease.epoch ~= epoch
end
