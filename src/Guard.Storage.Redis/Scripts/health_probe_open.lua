--! use: health
-- The probe that has not ended, of a pool that is red. ARGV: error TTL in ms. Reply: its id, or '0'.
local before = load()
local after = expire(before, now(), tonumber(ARGV[1]))
save(before, after)
return after and after.rs and after.po == '1' and after.pi or '0'
