-- All commands or none. Redis takes nothing back once a command is done, so everything that could fail is looked at before
-- the first one.
-- KEYS: first those that must be unchanged, then one for each command (the channel, where it publishes).
-- ARGV: how many must be unchanged; for each of them 1 and its value, or 0 where it must be absent; then for each command its
-- name, how many arguments follow, and these.
local at = 1
local function take()
  local argument = ARGV[at]
  at = at + 1
  return argument
end

local unchanged = tonumber(take())
for i = 1, unchanged do
  local there = take() == '1'
  local expected = there and take()
  local kind = redis.call('TYPE', KEYS[i]).ok
  if kind ~= 'none' and kind ~= 'string' then
    return redis.error_reply('WRONGTYPE one of the keys that must be unchanged holds a ' .. kind .. ', not a string')
  end
  if redis.call('GET', KEYS[i]) ~= expected then return 0 end
end

local needs = {
  INCRBY = 'string', HSET = 'hash', HDEL = 'hash', LPUSH = 'list', RPUSH = 'list', LTRIM = 'list',
  SADD = 'set', SREM = 'set', ZADD = 'zset', ZREM = 'zset',
}
local kinds, numbers, calls = {}, {}, {}
local nth = unchanged
while at <= #ARGV do
  nth = nth + 1
  local command, count, key = take(), tonumber(take()), KEYS[nth]
  local call = { command, key }
  for _ = 1, count do call[#call + 1] = take() end
  calls[#calls + 1] = call

  if command ~= 'PUBLISH' then
    local kind = kinds[key] or redis.call('TYPE', key).ok
    if command == 'SET' then
      kind, numbers[key] = 'string', call[3]
    elseif command == 'DEL' then
      kind, numbers[key] = 'none', '0'
    elseif needs[command] then
      if kind ~= 'none' and kind ~= needs[command] then
        return redis.error_reply('WRONGTYPE command ' .. #calls .. ' needs a ' .. needs[command] .. ', and its key holds a ' .. kind)
      end
      kind = needs[command]
      if command == 'INCRBY' then
        local now = numbers[key] or redis.call('GET', key) or '0'
        if type(now) == 'string' and not (now == '0' or string.match(now, '^%-?[1-9]%d*$')) then
          return redis.error_reply('ERR command ' .. #calls .. ' adds to a value that is not an integer')
        end
        -- A double is near enough: what comes near the largest number is refused.
        local sum = tonumber(now) + tonumber(call[3])
        if math.abs(tonumber(now)) > 9.0e18 or math.abs(tonumber(call[3])) > 9.0e18 or math.abs(sum) > 9.0e18 then
          return redis.error_reply('ERR command ' .. #calls .. ' would go beyond the largest number')
        end
        numbers[key] = sum
      end
    end
    kinds[key] = kind
  end
end

for _, call in ipairs(calls) do redis.call(unpack(call)) end
return 1
