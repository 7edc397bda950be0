-- What wrk sends, when, and how it reports the results. BODY names the file with the request's body. MEAN_PAUSE_MS is
-- the mean pause of a connection before each request; without it a connection never pauses.

local MEAN_PAUSE_MS = tonumber(os.getenv("MEAN_PAUSE_MS"))

wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local file = assert(io.open(os.getenv("BODY"), "rb"))
wrk.body = file:read("*a")
file:close()

-- Exponential pauses on many connections make requests arrive independently of each other, as from many clients.
if MEAN_PAUSE_MS then
    function delay()
        return math.floor(0.5 - MEAN_PAUSE_MS * math.log(1 - math.random()))
    end
end

function done(summary, latency)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    io.write(string.format(
        '\n{"requests":%d,"microseconds":%d,"failed":%d,"p50_us":%d,"p99_us":%d,"max_us":%d}\n',
        summary.requests, summary.duration, failed, latency:percentile(50), latency:percentile(99), latency.max
    ))
end
