-- What every script of a pool begins with. KEYS[1] is what the pool's keys begin with: it names the slot.
local pool = KEYS[1]
local prefix, poolName = string.match(pool, '^(.-):{(.-)}:$')

local function publish(text)
  redis.call('PUBLISH', prefix .. ':events', text)
end

local function read(key)
  local flat = redis.call('HGETALL', key)
  if #flat == 0 then
    return nil
  end
  local record = {}
  for i = 1, #flat, 2 do
    record[flat[i]] = flat[i + 1]
  end
  return record
end

local function flat(record)
  local list = {}
  for field, value in pairs(record) do
    list[#list + 1] = field
    list[#list + 1] = tostring(value)
  end
  return list
end

-- Writes what differs, in one command for what is set and one for what goes; absent means null, zero or false.
local function write(key, before, after)
  local set, gone = {}, {}
  for field, value in pairs(after) do
    if before == nil or before[field] ~= tostring(value) then
      set[#set + 1] = field
      set[#set + 1] = tostring(value)
    end
  end
  for field in pairs(before or {}) do
    if after[field] == nil then
      gone[#gone + 1] = field
    end
  end
  if #set > 0 then
    redis.call('HSET', key, unpack(set))
  end
  if #gone > 0 then
    redis.call('HDEL', key, unpack(gone))
  end
end

local function copy(record)
  local result = {}
  for field, value in pairs(record) do
    result[field] = value
  end
  return result
end

-- Numbers are written without exponent or fraction: Unix ms and versions are below 2^53.
local function int(number)
  return string.format('%.0f', number)
end
