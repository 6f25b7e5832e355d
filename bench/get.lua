-- GET /expenses (the month's 60 rows) over many households; tokens as in post.lua.
local tokens, at = {}, 0
function init()
  for line in io.lines(os.getenv("TOKENS")) do
    local token = line:match("(%S+)")
    tokens[#tokens + 1] = wrk.format("GET", "/api/v1.0/expenses", { ["Authorization"] = "Bearer " .. token })
  end
  at = math.random(#tokens)
end
function request()
  at = at % #tokens + 1
  return tokens[at]
end
