/**
 * What a script sees: Lua's harmless libraries and `redis.call` and `redis.pcall`, all read-only, and an environment of
 * its own, so that nothing it does outlives it. Using anything else of Redis's or Lua's (`cjson`, coroutines) is an error.
 */

/** Named so that error positions can be told from the script's own. */
export const SANDBOX_NAME = '=redis'

/** Given the host's functions; returns the function that runs a script, and the handler that explains its error. */
export const SANDBOX = `
local call, try = ...
local error, getinfo, pcall, setfenv, setmetatable, tostring, type =
  error, debug.getinfo, pcall, setfenv, setmetatable, tostring, type
local randomseed = math.randomseed

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

local redis = { call = call, pcall = try }

local shared = {
  redis = readonly(redis), string = readonly(string), table = readonly(table), math = readonly(math),
  assert = assert, error = error, getmetatable = getmetatable, ipairs = ipairs,
  next = next, pairs = pairs, rawequal = rawequal, rawget = rawget, rawset = rawset, select = select,
  setmetatable = setmetatable, tonumber = tonumber, tostring = tostring, type = type, unpack = unpack, xpcall = xpcall,
  pcall = function(...)
    return caught(pcall(...))
  end,
}

getmetatable('').__metatable = false

local function run(script, keys, arguments)
  local environment = { KEYS = keys, ARGV = arguments }
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
