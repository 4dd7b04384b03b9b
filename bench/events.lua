-- Reports events as a PBX does, for wrk: each is new, and ends a call.
--
-- Arguments after `--`: token run
--   run   makes the names of calls differ from those of another run

local threads = {}

function setup(thread)
    thread:set("index", #threads)
    table.insert(threads, thread)
end

function init(arguments)
    count = 0
    head = "GET /bench/events?event=missed_calls&direction=IN&project_id=1&queue=support&queue_hold_time=7&dnid=0310000000"
    tail = "&token=" .. arguments[1] .. " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    name = "&uniqueid=" .. arguments[2] .. "." .. index .. "."
end

function request()
    count = count + 1
    return head .. name .. count .. string.format("&telephone=07%08d", 20000000 + count % 60000000) .. tail
end

function done(summary, latency, requests)
    local errors = summary.errors
    print(string.format(
        'BENCH {"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "not_ok": %d, "broken": %d, "walked": 0}',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
        errors.connect + errors.read + errors.write + errors.timeout))
end
