--! use: health
-- Counts an error. ARGV: error TTL in ms, the epoch of a new record, errors to trip, the error as JSON. Reply: the record.
local before, t = load(), now()
local after = copy(expire(before, t, tonumber(ARGV[1])) or fresh(ARGV[2]))
local errors = tonumber(after.er)
if errors < 2147483647 then
  errors = errors + 1
end
after.q = int(tonumber(after.q) + 1)
after.er, after.su, after.h = int(errors), '0', '2'
after.le, after.lt, after.lq = ARGV[4], int(t), after.q
if not after.rs and errors >= tonumber(ARGV[3]) then
  after.rs = int(t)
end
save(before, after)
return flat(after)
