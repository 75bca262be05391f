-- Requests from a file, for wrk, in turns. Arguments: the file, a seed. A line has method, path, cookie, address of
-- the client and body, separated by tabs. A body gets a form key that no other request has in place of FORM_KEY.
local lines, number = {}, 0

function init(arguments)
   math.randomseed(tonumber(arguments[2]))
   for line in io.lines(arguments[1]) do
      local method, path, cookie, from, body = line:match("([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)")
      -- Headers that are given replace those of the command line.
      local headers = {["Accept-Encoding"] = wrk.headers["Accept-Encoding"]}
      if cookie ~= "" then headers["Cookie"] = cookie end
      if from ~= "" then headers["X-Forwarded-For"] = from end
      if method == "POST" then
         headers["Content-Type"] = "application/x-www-form-urlencoded"
         table.insert(lines, {method, path, headers, body})
      else
         table.insert(lines, wrk.format(method, path, headers))
      end
   end
end

local function form_key()
   return string.format("%04x%04x-%04x-4%03x-8%03x-%04x%04x%04x", math.random(0, 65535), math.random(0, 65535),
      math.random(0, 65535), math.random(0, 4095), math.random(0, 4095), math.random(0, 65535),
      math.random(0, 65535), math.random(0, 65535))
end

function request()
   number = number % #lines + 1
   local line = lines[number]
   if type(line) == "string" then return line end
   return wrk.format(line[1], line[2], line[3], (line[4]:gsub("FORM_KEY", form_key)))
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format("ladder %d %d %d %d %d %d\n", summary.requests, summary.duration, errors.status,
      errors.connect + errors.read + errors.write + errors.timeout, latency:percentile(50), latency:percentile(99)))
end
