--! use: pool
-- Writes a runner-config. ARGV: its JSON, its endpoint part, 1 when it drains on version upgrades, 1 when it may replace one. Reply: 1 when the
-- endpoint part is new or changed.
local endpoint = redis.call('HGET', pool .. 'config', 'endpoint')
if endpoint and ARGV[4] == '0' then
  return 0
end
local changed = endpoint ~= ARGV[2]
redis.call('HSET', pool .. 'config', 'json', ARGV[1], 'endpoint', ARGV[2], 'drain', ARGV[3])
publish('p|' .. poolName)
return changed and 1 or 0
