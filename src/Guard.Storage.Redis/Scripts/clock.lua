-- The time of the store, Unix ms: callers' clocks are never compared with each other.
local function now()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
