-- Asks Claviger about a request, for HAProxy 2.6 and later. `haproxy.cfg` loads it, and passes a request on only after
-- `txn.claviger_allowed` was set: whatever goes wrong in here, an error of Lua included, lets nobody pass.

-- In milliseconds. `haproxy.cfg` waits less for Claviger, so this is never reached: HAProxy would ask again by itself then.
local TIMEOUT = 10000
-- What belongs to one connection or one body, and so neither to the question nor to the refusal.
local OF_ONE_MESSAGE = {
    ["host"] = true, ["content-length"] = true, ["transfer-encoding"] = true, ["expect"] = true, ["te"] = true,
    ["trailer"] = true, ["connection"] = true, ["keep-alive"] = true, ["date"] = true,
}

-- Headers in the form in which HAProxy takes them, lines of one name in their order. It gives them counted from 0.
local function passed_on(headers)
    local all = {}
    for name, values in pairs(headers) do
        if not OF_ONE_MESSAGE[name] then
            all[name] = table.move(values, 0, #values, 1, {})
        end
    end
    return all
end

-- The target as it goes on to the service. By HTTP/2 HAProxy holds it with scheme and host, and passes it on without.
local function target(txn)
    if txn.f:req_ver() == "2.0" then
        return txn.f:pathq()
    end
    return txn.f:url()
end

-- The request with all of its headers, of which `haproxy.cfg` has taken out or overwritten what only this server may say.
local function ask(txn, address, path)
    local headers = passed_on(txn.http:req_get_headers())
    headers["x-forwarded-method"] = { txn.f:method() }
    headers["x-forwarded-uri"] = { target(txn) }
    -- A client that names none is not HAProxy.
    headers["user-agent"] = headers["user-agent"] or { "" }
    return core.httpclient():get { url = "http://claviger" .. path, dst = address, headers = headers, timeout = TIMEOUT }
end

-- Tells the service who asks, and keeps the key from it.
local function let_pass(txn, headers)
    for place in headers["x-auth-credential"][0]:gmatch("[^, ]+") do
        txn.http:req_del_header(place)
    end
    for name, values in pairs(headers) do
        if name:find("^x%-auth%-") and name ~= "x-auth-credential" then
            txn.http:req_set_header(name, values[0])
        elseif name:find("^ratelimit") then
            txn:set_var("txn.claviger_" .. name:gsub("-", "_"), values[0])
        end
    end
    txn:set_var("txn.claviger_allowed", true)
end

core.register_action("claviger", { "http-req" }, function(txn, address, path)
    local answer = ask(txn, address, path)
    -- Every answer of Claviger's has an id. HAProxy's own, where Claviger gave none, has not.
    if answer.headers["x-request-id"] and answer.status == 200 then
        let_pass(txn, answer.headers)
    elseif answer.headers["x-request-id"] and answer.status >= 400 then
        -- Status, challenges, `Retry-After`, body: the client gets them as they are.
        local reply = { status = answer.status, headers = passed_on(answer.headers), body = answer.body }
        txn:done(txn:reply(reply))
    end
end, 2)
