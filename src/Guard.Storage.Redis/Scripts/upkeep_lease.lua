--! use: clock
-- Renews and takes leases of partitions (IPoolUpkeepStore.LeaseAsync). KEYS[1]: the hash of leases; fields: g:{guard} until when a Guard
-- counts as one that asks, p:{partition} guard|epoch|until. ARGV: the Guard, ms it holds them, number of partitions, 1 when it is about to
-- end. Reply: pairs of partition and epoch. The epoch of a taken lease is the time, or one more than the last: so it rises also where this
-- hash was lost.
local me, n, leaving = ARGV[1], tonumber(ARGV[3]), ARGV[4] == '1'
local t = now()
local till = string.format('%.0f', t + tonumber(ARGV[2]))
local others, leases, gone, changes = 0, {}, {}, {}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local kind, name = string.sub(all[i], 1, 1), string.sub(all[i], 3)
  if kind == 'p' then
    local guard, epoch, till = string.match(all[i + 1], '^(.*)|(%d+)|(%d+)$')
    leases[tonumber(name)] = { guard = guard, epoch = tonumber(epoch), held = t < tonumber(till) }
  elseif name ~= me then
    if t < tonumber(all[i + 1]) then
      others = others + 1
    else
      gone[#gone + 1] = all[i]
    end
  end
end

local share = math.ceil(n / (others + 1))
if leaving then
  share = others > 0 and 0 or n
  gone[#gone + 1] = 'g:' .. me
else
  changes[1], changes[2] = 'g:' .. me, till
end

local reply = {}
local function set(partition, guard, epoch, till)
  changes[#changes + 1] = 'p:' .. partition
  changes[#changes + 1] = guard .. '|' .. string.format('%.0f', epoch) .. '|' .. till
  if guard == me then
    reply[#reply + 1] = partition
    reply[#reply + 1] = string.format('%.0f', epoch)
  end
end
for p = 0, n - 1 do
  local lease = leases[p]
  if lease and lease.held and lease.guard == me then
    if #reply < 2 * share then
      set(p, me, lease.epoch, till)
    else
      set(p, '', lease.epoch, '0')
      lease.held, lease.given = false, true
    end
  end
end
for p = 0, n - 1 do
  local lease = leases[p]
  if #reply < 2 * share and not (lease and (lease.held or lease.given)) then
    set(p, me, math.max(t, lease and lease.epoch + 1 or 0), till)
  end
end
if #gone > 0 then
  redis.call('HDEL', KEYS[1], unpack(gone))
end
if #changes > 0 then
  redis.call('HSET', KEYS[1], unpack(changes))
end
return reply
