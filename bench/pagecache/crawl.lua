-- A crawl for wrk: paths from a file, the first the most requested (Zipf); counts answers, hits, failures.
-- Arguments: the file, the seed.
local paths, sums, total = {}, {}, 0
hits, answers, failures = 0, 0, 0

function setup(thread)
   threads = threads or {}
   table.insert(threads, thread)
end

function init(arguments)
   math.randomseed(tonumber(arguments[2]))
   for line in io.lines(arguments[1]) do
      table.insert(paths, line)
      total = total + 1 / #paths
      table.insert(sums, total)
   end
end

function request()
   local wanted, low, high = math.random() * total, 1, #sums
   while low < high do
      local middle = math.floor((low + high) / 2)
      if sums[middle] < wanted then low = middle + 1 else high = middle end
   end
   return wrk.format("GET", paths[low])
end

function response(status, headers)
   answers = answers + 1
   if status ~= 200 then failures = failures + 1 end
   if headers["Cache-Status"] == "pagecache; hit" then hits = hits + 1 end
end

function done(summary)
   local all, kept, failed = 0, 0, 0
   for _, thread in ipairs(threads) do
      all = all + thread:get("answers")
      kept = kept + thread:get("hits")
      failed = failed + thread:get("failures")
   end
   io.write(string.format("crawl %d %d %d\n", all, kept, failed))
end
