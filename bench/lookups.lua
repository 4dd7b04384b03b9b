-- Asks for numbers as a PBX does, for wrk: national form, one in five unknown.
--
-- Arguments after `--`: pool contacts seed walk start close pause token late
--   pool      how many different numbers are asked; every fifth of them is nobody's
--   contacts  how many contacts the directory holds
--   seed      of the random order
--   walk      1: one number after the other, each once, from step `start` on; 0: at random
--   close     1: a new connection for every lookup
--   pause     longest pause of a connection between two lookups, milliseconds (0: none, as fast as it goes)
--   late      microseconds after which an answer counts as late (0: none does)
--
-- The arithmetic of `mobile` and `asked` is that of harness/people.py: contact numbers need no file here.

local SPACE, STRIDE, SPREAD, STRANGERS = 60000000, 7368787, 999983, 20000000
local threads = {}

function setup(thread)
    thread:set("index", #threads)
    table.insert(threads, thread)
end

function init(arguments)
    pool, contacts = tonumber(arguments[1]), tonumber(arguments[2])
    math.randomseed(tonumber(arguments[3]) * 1000 + index)
    walk, walked = arguments[4] == "1", tonumber(arguments[5])
    pause, late = tonumber(arguments[7]), tonumber(arguments[9])
    head = "GET /bench/lookup?telephone="
    tail = "&dnid=0310000000&token=" .. arguments[8] .. " HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    if arguments[6] == "1" then tail = tail .. "Connection: close\r\n" end
    tail = tail .. "\r\n"
    if pause > 0 then
        delay = function() return math.random(0, pause) end
    end
end

local function mobile(person)
    return string.format("07%08d", 20000000 + (person * STRIDE + 12345) % SPACE)
end

local function asked(position)
    if position % 5 == 4 then return mobile(STRANGERS + position) end
    local known = position - math.floor(position / 5)
    return mobile(known * SPREAD % contacts)
end

function request()
    local position
    if walk then
        position = (walked * 2 + index) % pool -- two threads, always
        if index > 0 or verified then walked = walked + 1 end
        verified = true -- wrk itself calls this once, in the first thread, and sends nothing
    else
        position = math.random(0, pool - 1)
    end
    return head .. asked(position) .. tail
end

function done(summary, latency, requests)
    local fewest = math.huge
    for _, thread in ipairs(threads) do fewest = math.min(fewest, thread:get("walked")) end
    local errors, late, limit = summary.errors, 0, threads[1]:get("late")
    for place = 1, limit > 0 and #latency or 0 do
        local microseconds, answers = latency(place)
        if microseconds > limit then late = late + answers end
    end
    print(string.format(
        'BENCH {"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "not_ok": %d, "broken": %d, "walked": %d, "late": %d}',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
        errors.connect + errors.read + errors.write + errors.timeout, fewest, late))
end
