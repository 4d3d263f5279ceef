/**
 * What a script sees: Lua's harmless libraries and the `redis` table, all read-only, and an environment of its own, so
 * that nothing it does outlives it. `cjson`, `cmsgpack`, `struct` and `bit` are not there; using one is an error.
 */

/** Named so that error positions can be told from the script's own. */
export const SANDBOX_NAME = '=redis'

/** Given the host's functions; returns the function that runs a script, and the handler that explains its error. */
export const SANDBOX = `
local call, try, sha1hex = ...
local error, getinfo, loadstring, pcall, setfenv, setmetatable, tostring, type =
  error, debug.getinfo, loadstring, pcall, setfenv, setmetatable, tostring, type
local select = select
local randomseed = math.randomseed
local environment

local function refuse_change()
  error('Attempt to modify a readonly table', 2)
end

local function readonly(target)
  return setmetatable({}, { __index = target, __newindex = refuse_change, __metatable = false })
end

-- Redis hands its error tables to the callers of pcall as text.
local function caught(succeeded, result, ...)
  if not succeeded and type(result) == 'table' and result.err then result = result.err end
  return succeeded, result, ...
end

local function reply_maker(make)
  return function(...)
    local message = ...
    if select('#', ...) ~= 1 or type(message) ~= 'string' then
      return { err = 'ERR wrong number or type of arguments' }
    end
    return make(message)
  end
end

local redis = {
  sha1hex = sha1hex,
  log = function() end,
  setresp = function() end,
  replicate_commands = function() return true end,
  LOG_DEBUG = 0, LOG_VERBOSE = 1, LOG_NOTICE = 2, LOG_WARNING = 3,
  call = call,
  pcall = try,
  error_reply = reply_maker(function(message)
    if message:sub(1, 1) == '-' then message = message:sub(2) end
    if not message:find(' ', 1, true) then message = 'ERR ' .. message end
    return { err = message }
  end),
  status_reply = reply_maker(function(message)
    return { ok = message }
  end),
}

local shared = {
  redis = readonly(redis), string = readonly(string), table = readonly(table), math = readonly(math),
  coroutine = readonly(coroutine), _VERSION = _VERSION,
  assert = assert, collectgarbage = collectgarbage, error = error, getmetatable = getmetatable, ipairs = ipairs,
  next = next, pairs = pairs, rawequal = rawequal, rawget = rawget, rawset = rawset, select = select,
  setmetatable = setmetatable, tonumber = tonumber, tostring = tostring, type = type, unpack = unpack, xpcall = xpcall,
  pcall = function(...)
    return caught(pcall(...))
  end,
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
