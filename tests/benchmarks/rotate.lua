-- Sends prepared requests in rotation. With the argument "check" it inspects every response.
-- The file holds each request as its length, a line feed, and its bytes.
local requests, index = {}, 0

function setup(thread)
  running = thread
end

function init(args)
  local file = assert(io.open(args[1], "rb"))
  while true do
    local size = file:read("*l")
    if not size then break end
    requests[#requests + 1] = file:read(tonumber(size))
  end
  file:close()
  bad, first = 0, ""
  if args[2] == "check" then
    response = function(status, _, body)
      if status ~= 200 or body:find('"errors"', 1, true) or body:find('"code"', 1, true) then
        bad = bad + 1
        if bad == 1 then first = status .. " " .. body:sub(1, 600) end
      end
    end
  end
end

function request()
  index = index % #requests + 1
  return requests[index]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'result %d %d %d %d %d %.0f %.0f %.0f %d %s\n',
    summary.requests, summary.duration, summary.bytes,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99), latency.max,
    running:get("bad"), (running:get("first"):gsub("%s+", " "))
  ))
end
