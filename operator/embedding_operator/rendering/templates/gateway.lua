-- What the gateway needs beyond HAProxy's own rules: inspecting a request's body, holding a request while there is no
-- engine, and poking the agent.

local HOLD_STEP_MS = 50
local POKE_INTERVAL_SECONDS = 0.1
local AGENT_TIMEOUT_SECONDS = 1
local MICROSECONDS = 1000000

-- The fields of OpenAI's request. The engine accepts more (request IDs, priorities, adapters, raw vectors), which
-- clients should not set, and some of which crash it.
local FIELDS = { input = true, model = true, encoding_format = true, dimensions = true, user = true }

-- As many as OpenAI's API takes in one request.
local TEXTS_LIMIT = 2048

local NOT_JSON = "The body is not a JSON object with an input."

local function past_space(text, at)
    return text:match("^[ \t\r\n]*()", at)
end

-- Returns the position after the string whose opening quote is at `at`, or nil if it does not end. The engine validates
-- what is between the quotes: whatever it may reject there, every parser finds the same end.
local function past_string(text, at)
    local quote = text:find('"', at + 1, true)
    return quote and quote + 1
end

local function past_scalar(text, at)
    if text:byte(at) == 0x22 then return past_string(text, at) end
    return text:match("^[-+.%w]+()", at)
end

-- Returns the position after the texts at `at`, or nil and the reason for refusing them.
local function past_texts(text, at)
    local count = 1
    if text:byte(at) == 0x22 then return past_string(text, at), NOT_JSON end
    if text:byte(at) ~= 0x5B then return nil, "'input' must be a string or a list of strings." end
    at = past_space(text, at + 1)
    if text:byte(at) == 0x5D then return nil, "'input' must not be an empty list." end
    while true do
        if text:byte(at) ~= 0x22 then
            return nil, "'input' must be a string or a list of strings: lists of token ids are not accepted, send the texts."
        end
        at = past_string(text, at)
        if not at then return nil, NOT_JSON end
        at = past_space(text, at)
        local separator = text:byte(at)
        if separator == 0x5D then return at + 1 end
        if separator ~= 0x2C then return nil, NOT_JSON end
        count = count + 1
        if count > TEXTS_LIMIT then return nil, "'input' must not have more than " .. TEXTS_LIMIT .. " texts." end
        at = past_space(text, at + 1)
    end
end

-- Returns the name of the field at `at` and the position of its value, or nil, nil and the reason for refusing it.
local function field(text, at)
    local name, value = text:match('^"([^"]*)"[ \t\r\n]*:[ \t\r\n]*()', at)
    if not name then return nil, nil, NOT_JSON end
    if FIELDS[name] then return name, value end
    if name:find("^[%w_]+$") and #name <= 64 then
        return nil, nil, "The field '" .. name .. "' is not accepted here: leave it out."
    end
    return nil, nil, "Only the fields input, model, encoding_format, dimensions and user are accepted here."
end

-- Returns why an embedding request is refused, or nil if every JSON parser reads it as one object that has each field
-- at most once, with unescaped names, and texts as its input. The object is flat, so this never recurses.
local function refusal(text)
    -- Without escapes, a text has a quote only at its end. Field names have no escapes.
    if text:find('\\"', 1, true) then text = text:gsub("\\.", "__") end
    local at = past_space(text, 1)
    if text:byte(at) ~= 0x7B then return NOT_JSON end
    local seen = {}
    repeat
        local name, value, why = field(text, past_space(text, at + 1))
        if not name then return why end
        if seen[name] then return "The field '" .. name .. "' is given twice." end
        seen[name] = true
        if name == "input" then
            at, why = past_texts(text, value)
        else
            at, why = past_scalar(text, value), "The field '" .. name .. "' must be a string or a number."
        end
        if not at then return why end
        at = past_space(text, at)
    until text:byte(at) ~= 0x2C
    if text:byte(at) ~= 0x7D or past_space(text, at + 1) <= #text then return NOT_JSON end
    if not seen.input then return "The field 'input' is missing." end
    return nil
end

-- HAProxy goes on after an error or a timeout in here: only a request that is marked at the very end was inspected.
core.register_action("inspect", { "http-req" }, function(txn)
    local why = refusal(txn.sf:req_body())
    if why then txn:set_var("txn.refusal", why) end
    txn:set_var("txn.inspected", true)
end)

local function seconds_now()
    local now = core.now()
    return now.sec + now.usec / MICROSECONDS
end

core.register_action("hold", { "http-req" }, function(txn, seconds)
    local began_at = seconds_now()
    repeat
        core.msleep(HOLD_STEP_MS)
        local held_for = seconds_now() - began_at
        txn:set_var("txn.held_ms", math.floor(held_for * 1000))
    until txn.f:nbsrv("engines") > 0 or held_for >= tonumber(seconds)
end, 1)

local told_at = 0
local is_about_to_tell = false

local function tell(port)
    local wait = told_at + POKE_INTERVAL_SECONDS - seconds_now()
    if wait > 0 then core.msleep(math.ceil(wait * 1000)) end
    told_at = seconds_now()
    is_about_to_tell = false
    local agent = core.tcp()
    agent:settimeout(AGENT_TIMEOUT_SECONDS)
    if agent:connect("127.0.0.1", port) then
        agent:send("POST /poke HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        agent:receive("*l")
    end
    agent:close()
end

-- Calls while a poke is pending are covered by it: the operator will see what they saw.
core.register_action("poke", { "http-req" }, function(_, port)
    if is_about_to_tell then return end
    is_about_to_tell = true
    core.register_task(function() tell(tonumber(port)) end)
end, 1)
