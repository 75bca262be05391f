-- A load at a fixed rate, for wrk: each line of a file once, and again from the first when all are read. Each
-- connection pauses before each request, for a random time (exponential), so that arrivals are not in step.
-- Arguments: the file, the seed, milliseconds of the mean pause. A line has path and cookie, separated by a tab.
local lines, number, pause = {}, 0, 0
served, shed, failed, hits = 0, 0, 0, 0

function setup(thread)
   threads = threads or {}
   table.insert(threads, thread)
end

function init(arguments)
   math.randomseed(tonumber(arguments[2]))
   pause = tonumber(arguments[3])
   for line in io.lines(arguments[1]) do
      local path, cookie = line:match("([^\t]*)\t([^\t]*)")
      -- Headers that are given replace those of the command line.
      local headers = {["Accept-Encoding"] = wrk.headers["Accept-Encoding"]}
      if cookie ~= "" then headers["Cookie"] = cookie end
      table.insert(lines, wrk.format("GET", path, headers))
   end
end

function delay()
   return math.floor(-pause * math.log(1 - math.random()) + 0.5)
end

function request()
   number = number % #lines + 1
   return lines[number]
end

function response(status, headers)
   if status == 200 then
      served = served + 1
      if (headers["Cache-Status"] or headers["cache-status"]) == "pagecache; hit" then hits = hits + 1 end
   elseif status == 503 and (headers["Retry-After"] or headers["retry-after"]) then shed = shed + 1
   else failed = failed + 1 end
end

function done(summary, latency)
   local count = {served = 0, shed = 0, failed = 0, hits = 0}
   for _, thread in ipairs(threads) do
      for name in pairs(count) do count[name] = count[name] + thread:get(name) end
   end
   local errors = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
   io.write(string.format("paced %d %d %d %d %d %d %d\n", count.served, count.shed, count.failed + errors,
      count.hits, latency:percentile(50), latency:percentile(95), summary.duration))
end
