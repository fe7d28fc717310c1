-- Reads, and answers with nothing larger than the reader may have.
-- KEYS: the key, if the command has one. ARGV: the most bytes of one value, the most bytes in all, the command, its other
-- arguments. The host chooses the command; guests have no way to this script.
local value, total, command = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]

-- What is one value is measured before it is read, and before it is taken away.
local size
if command == 'GET' then
  size = redis.call('STRLEN', KEYS[1])
elseif command == 'HGET' then
  size = redis.call('HSTRLEN', KEYS[1], ARGV[4])
elseif command == 'LPOP' or command == 'RPOP' then
  local first = redis.call('LINDEX', KEYS[1], command == 'LPOP' and 0 or -1)
  size = first and #first or 0
end
if size and size > value then
  return redis.error_reply('TOOLARGE a value of ' .. size .. ' bytes')
end

local call = { command }
if KEYS[1] then call[2] = KEYS[1] end
for i = 4, #ARGV do call[#call + 1] = ARGV[i] end
local reply = redis.call(unpack(call))

-- Returns how many bytes, and the size of the first value that is too large.
local function measure(part)
  if type(part) == 'string' then
    return #part
  elseif type(part) == 'table' then
    local sum = 0
    for i = 1, #part do
      local bytes = measure(part[i])
      if type(part[i]) == 'string' and bytes > value then size = bytes end
      sum = sum + bytes + 16
    end
    return sum
  end
  return 0
end
size = nil
local bytes = measure(reply)
if size then return redis.error_reply('TOOLARGE a value of ' .. size .. ' bytes') end
if bytes > total then return redis.error_reply('TOOLARGE an answer of ' .. bytes .. ' bytes') end
return reply
