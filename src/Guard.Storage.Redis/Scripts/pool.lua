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

-- Writes what differs; absent means null, zero or false.
local function write(key, before, after)
  for field, value in pairs(after) do
    if before == nil or before[field] ~= tostring(value) then
      redis.call('HSET', key, field, tostring(value))
    end
  end
  if before then
    for field in pairs(before) do
      if after[field] == nil then
        redis.call('HDEL', key, field)
      end
    end
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
