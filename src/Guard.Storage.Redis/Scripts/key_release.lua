-- Frees an actor's key if it still names that actor. ARGV: id.
local held = redis.call('GET', KEYS[1])
if held and string.match(held, '^%a+|(.-)|') == ARGV[1] then
  redis.call('DEL', KEYS[1])
  return 1
end
return 0
