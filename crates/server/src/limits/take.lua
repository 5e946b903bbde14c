-- The buckets of several rates, all taken or none. A bucket is the instant at which it is full again (GCRA), in ticks of an eighth of
-- a microsecond since 1,700,000,000 s after 1970: so it is a whole number that Lua's numbers hold until 2059.
-- KEYS: the buckets. ARGV, two for each: the ticks of a whole burst, and those of this request. Answer: whether all passed, and how
-- many ticks from now each bucket is full, after that.
local time = redis.call('TIME')
local now = (tonumber(time[1]) - 1700000000) * 8000000 + tonumber(time[2]) * 8
local passed = 1
local before, after = {}, {}
for i, key in ipairs(KEYS) do
    local capacity, charge = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
    local stored = redis.pcall('GET', key)
    if type(stored) == 'table' and stored.err then
        return redis.error_reply('FOREIGN another kind of value stands there')
    end
    local full = now
    if stored then
        full = tonumber(string.match(stored, '^g1:(%-?%d+)$'))
        if not full then
            return redis.error_reply('FOREIGN a value that is no bucket stands there')
        end
    end
    -- One that was full is full. One that is farther away than empty can be, after a change of the rate or with a clock that stepped
    -- back, is empty and no more.
    full = math.max(now, math.min(full, now + capacity))
    before[i] = full
    after[i] = full + charge
    if after[i] > now + capacity then
        passed = 0
    end
end
local answer = { passed }
for i, key in ipairs(KEYS) do
    local full = before[i]
    if passed == 1 then
        full = after[i]
        redis.call('SET', key, string.format('g1:%.0f', full), 'PX', math.ceil((full - now) / 8000) + 1000)
    end
    answer[i + 1] = string.format('%.0f', full - now)
end
return answer
