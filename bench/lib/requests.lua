-- Requests from a file, for wrk, in turns. Arguments: the file, a seed, and the number of answers to end after
-- (0: until the time is over). A line has method, path, cookie and body, separated by tabs. A form gets a
-- form key that no other request has.
local lines, number, answered, most = {}, 0, 0, 0

function stop_after()
   answered = answered + 1
   if answered == most then
      -- wrk ends, and reports, as at Ctrl-C; but not while it executes a command, hence the moment later.
      os.execute("(sleep 0.02; kill -INT $PPID) &")
   end
end

function init(arguments)
   math.randomseed(tonumber(arguments[2]))
   most = tonumber(arguments[3])
   if most > 0 then response = stop_after end
   for line in io.lines(arguments[1]) do
      local method, path, cookie, body = line:match("([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)")
      -- Headers that are given replace those of the command line.
      local headers = {["Accept-Encoding"] = wrk.headers["Accept-Encoding"], ["Cookie"] = cookie}
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
   return wrk.format(line[1], line[2], line[3], line[4] .. "&form_key=" .. form_key())
end
