/**
 * What a script sees: Lua's harmless libraries and the `redis` table, all read-only, and an environment of its own, so
 * that nothing it does outlives it. `cjson`, `cmsgpack`, `struct` and `bit` are not there; using one is an error.
 */

/** Named so that error positions can be told from the script's own. */
export const SANDBOX_NAME = '=redis'

/** Given the host's functions; returns the function that runs a script, and the handler that explains its error. */
export const SANDBOX = `
local call, try, sha1hex = ...
local error, getinfo, loadstring, setfenv, setmetatable, tostring, type =
  error, debug.getinfo, loadstring, setfenv, setmetatable, tostring, type
local randomseed = math.randomseed
local environment

local function refuse_change()
  error('Attempt to modify a readonly table', 2)
end

local function readonly(target)
  return setmetatable({}, { __index = target, __newindex = refuse_change, __metatable = false })
end

local redis = {
  sha1hex = sha1hex,
  log = function() end,
  setresp = function() end,
  replicate_commands = function() return true end,
  LOG_DEBUG = 0, LOG_VERBOSE = 1, LOG_NOTICE = 2, LOG_WARNING = 3,
  call = call,
  pcall = try,
  error_reply = function(message)
    if message:sub(1, 1) == '-' then message = message:sub(2) end
    return { err = message }
  end,
  status_reply = function(message)
    return { ok = message }
  end,
}

local shared = {
  redis = readonly(redis), string = readonly(string), table = readonly(table), math = readonly(math),
  coroutine = readonly(coroutine), _VERSION = _VERSION,
  assert = assert, collectgarbage = collectgarbage, error = error, getmetatable = getmetatable, ipairs = ipairs,
  next = next, pairs = pairs, pcall = pcall, rawequal = rawequal, rawget = rawget, rawset = rawset, select = select,
  setmetatable = setmetatable, tonumber = tonumber, tostring = tostring, type = type, unpack = unpack, xpcall = xpcall,
  loadstring = function(source, name)
    if source:sub(1, 1) == '\\27' then return nil, 'bytecode is refused' end
    local chunk, message = loadstring(source, name or source)
    if chunk then setfenv(chunk, environment) end
    return chunk, message
  end,
}

getmetatable('').__metatable = false

local function run(script, keys, arguments)
  environment = { KEYS = keys, ARGV = arguments }
  environment._G = environment
  setmetatable(environment, {
    __index = function(_, name)
      local value = shared[name]
      if value == nil then
        error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
      end
      return value
    end,
    __newindex = refuse_change,
    __metatable = false,
  })
  setfenv(script, environment)
  randomseed(0)
  return script()
end

local function explain(reason)
  local level = 2
  local where = getinfo(level, 'Sl')
  while where and (where.what == 'C' or where.source == '${SANDBOX_NAME}') do
    level = level + 1
    where = getinfo(level, 'Sl')
  end
  if type(reason) ~= 'table' then reason = { err = 'ERR ' .. tostring(reason) } end
  if where then
    reason.source = where.source
    reason.line = tostring(where.currentline)
  end
  return reason
end

return run, explain
`
