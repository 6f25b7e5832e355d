-- POST /expenses over many households; one token a line in the file named by TOKENS, "token categoryId".
local tokens, at = {}, 0
function init()
  for line in io.lines(os.getenv("TOKENS")) do
    local token, category = line:match("(%S+) (%S+)")
    tokens[#tokens + 1] = wrk.format("POST", "/api/v1.0/expenses",
      { ["Authorization"] = "Bearer " .. token, ["Content-Type"] = "application/json" },
      '{"name":"Bench","categoryId":' .. category .. ',"amount":1000}')
  end
  at = math.random(#tokens)
end
function request()
  at = at % #tokens + 1
  return tokens[at]
end
