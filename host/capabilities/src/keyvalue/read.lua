-- Reads values, and nothing where they have too many bytes together.
-- KEYS: the values. ARGV: the most bytes, then the keys.
local bytes = 0
for i = 2, #ARGV do bytes = bytes + redis.call('HSTRLEN', KEYS[1], ARGV[i]) end
if bytes > tonumber(ARGV[1]) and #ARGV > 2 then return redis.error_reply('KEYVALUELARGE too many bytes') end
local found = {}
for i = 2, #ARGV do found[i - 1] = redis.call('HGET', KEYS[1], ARGV[i]) end
return found
