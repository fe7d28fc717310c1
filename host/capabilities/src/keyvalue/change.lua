-- Changes a bucket: all of it, or nothing where it would grow beyond its room. Redis takes nothing back once a command is
-- done, so what could fail is looked at before the first one is.
-- KEYS: the values (a hash), their names (a sorted set, all with the score 0), the count of bytes.
-- ARGV: the room, what to do, its arguments.
local values, names, counter = KEYS[1], KEYS[2], KEYS[3]
local before = tonumber(redis.call('GET', counter) or '0')
local used = before

local function size(key)
  if redis.call('HEXISTS', values, key) == 0 then return 0 end
  return #key + redis.call('HSTRLEN', values, key)
end

local function full()
  if used > tonumber(ARGV[1]) and used > before then
    return redis.error_reply('KEYVALUEFULL ' .. string.format('%.0f', used))
  end
end

local function count()
  redis.call('SET', counter, string.format('%.0f', used))
end

-- Pairs of a key and a value, from this argument on.
local function set(first)
  local seen = {}
  for i = first, #ARGV, 2 do
    local key = ARGV[i]
    local bytes = #key + #ARGV[i + 1]
    used = used - (seen[key] or size(key)) + bytes
    seen[key] = bytes
  end
  local refused = full()
  if refused then return refused end
  for i = first, #ARGV, 2 do
    redis.call('HSET', values, ARGV[i], ARGV[i + 1])
    redis.call('ZADD', names, 0, ARGV[i])
  end
  count()
  return 1
end

local what = ARGV[2]
if what == 'set' then
  return set(3)
elseif what == 'delete' then
  for i = 3, #ARGV do
    used = used - size(ARGV[i])
    redis.call('HDEL', values, ARGV[i])
    redis.call('ZREM', names, ARGV[i])
  end
  count()
  return 1
elseif what == 'swap' then
  -- The value that is expected is the fourth argument, if the third says that there is one.
  local expected = ARGV[3] == '1' and ARGV[4]
  if redis.call('HGET', values, ARGV[5]) ~= expected then return 0 end
  return set(5)
end

-- Adding. Numbers of this language are too small, so the server's own command adds, and is undone where the sum is refused.
local key, lowest = ARGV[3], ARGV[5]
local old, had = redis.call('HGET', values, key), size(key)
local function undo()
  if old then redis.call('HSET', values, key, old) else redis.call('HDEL', values, key) end
end
local added = redis.pcall('HINCRBY', values, key, ARGV[4])
if type(added) == 'table' and added.err then return redis.error_reply('KEYVALUENUMBER no number, or out of range') end
local sum = redis.call('HGET', values, key)
if lowest == '0' and string.sub(sum, 1, 1) == '-' then
  undo()
  return redis.error_reply('KEYVALUENUMBER no number, or out of range')
end
used = used - had + #key + #sum
local refused = full()
if refused then
  undo()
  return refused
end
redis.call('ZADD', names, 0, key)
count()
return sum
