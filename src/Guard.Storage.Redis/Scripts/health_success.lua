--! use: health
-- Counts a success. ARGV: error TTL in ms, the epoch of a new record, successes to clear. Reply: the record.
local before, clear = load(), tonumber(ARGV[3])
local after = copy(expire(before, now(), tonumber(ARGV[1])) or fresh(ARGV[2]))
local successes = math.min(tonumber(after.su), clear - 1) + 1
after.q = int(tonumber(after.q) + 1)
after.er, after.su, after.h = '0', int(successes), '1'
if not after.rs or successes >= clear then
  after.le, after.lt, after.lq, after.rs = nil, nil, nil, nil
end
save(before, after)
return flat(after)
