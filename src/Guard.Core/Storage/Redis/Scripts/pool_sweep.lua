--! use: clock, pool
-- What there is to tidy in a pool. ARGV: age in ms from which a silent runner is lost, or -1 for never; age from which tombstones are due;
-- most of each. Reply: silent runners, stopped runners whose actors have not all left, tombstones due.
local t, most = now(), tonumber(ARGV[3])
local silent = {}
if tonumber(ARGV[1]) >= 0 then
  silent = redis.call('ZRANGEBYSCORE', pool .. 'pings', '-inf', '(' .. int(t - tonumber(ARGV[1])), 'LIMIT', 0, most)
end
local due = redis.call('ZRANGEBYSCORE', pool .. 'tombs', '-inf', '(' .. int(t - tonumber(ARGV[2])), 'LIMIT', 0, most)
return { silent, redis.call('SRANDMEMBER', pool .. 'leaving', most), due }
