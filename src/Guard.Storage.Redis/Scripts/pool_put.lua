--! use: pool
-- Writes a runner-config. ARGV: its JSON, its endpoint part, 1 when it drains on version upgrades. Reply: 1 when the endpoint part is new or changed.
local changed = redis.call('HGET', pool .. 'config', 'endpoint') ~= ARGV[2]
redis.call('HSET', pool .. 'config', 'json', ARGV[1], 'endpoint', ARGV[2], 'drain', ARGV[3])
publish('p|' .. poolName)
return changed and 1 or 0
