local url = "@URL@"

local function encoded(text)
  return (text:gsub("[^%w_.~]", function(byte) return string.format("%%%02X", byte:byte()) end))
end

-- @WAIT@
session:setVariable("curl_connect_timeout", "@SECONDS@")
session:setVariable("curl_timeout", "@SECONDS@")
local telephone = encoded(session:getVariable("caller_id_number") or "")
local dnid = encoded(session:getVariable("destination_number") or "")
session:execute("curl", url .. "&telephone=" .. telephone .. "&dnid=" .. dnid)
local answered = session:getVariable("curl_response_code") == "200"
local body = answered and session:getVariable("curl_response_data") or ""

-- The value of a field of the one-line answer; nil for null, and for an answer that broke off.
local function field(name)
  local _, colon = body:find('"' .. name .. '":', 1, true)
  if not colon then return nil end
  if body:sub(colon + 1, colon + 1) ~= '"' then return body:match("^%d+", colon + 1) end
  local value, place = {}, colon + 2
  while place <= #body do
    local character = body:sub(place, place)
    if character == '"' then return table.concat(value) end
    if character == "\\" then
      place = place + 1
      character = body:sub(place, place)
    end
    value[#value + 1] = character
    place = place + 1
  end
  return nil
end

for _, name in ipairs({"id", "queue_position", "direct_line", "backend_link", "route_identifier"}) do
  local value = field(name)
  if value then session:setVariable("calldex_" .. name, value) end
end
local name = field("name")
if name then session:setVariable("effective_caller_id_name", name) end
