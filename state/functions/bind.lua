-- Names that the other files share. Redis 7.0 shows a library only `redis` while it loads, so the C helpers are
-- bound by the first call.
local VERSION_BYTE = '\1'
local DAY_SECONDS = 86400
local EVENT_TTL = 731 * DAY_SECONDS -- event records: 24 months
local REF = 12 -- bytes of an event reference

local pack, unpack_at, sub, byte, find, rep, format, floor, max, min, encode, decode, concat, call
local formats = {}

local function bind()
  if pack then return end
  pack, unpack_at = struct.pack, struct.unpack
  sub, byte, find, rep, floor, concat = string.sub, string.byte, string.find, string.rep, math.floor, table.concat
  format, max, min, call = string.format, math.max, math.min, redis.call
  encode, decode = cmsgpack.pack, cmsgpack.unpack
end

-- "<" followed by `count` times `slot`, remembered.
local function format_of(slot, count)
  local known = formats[slot]
  if not known then known = {}; formats[slot] = known end
  local text = known[count]
  if not text then text = '<' .. rep(slot, count); known[count] = text end
  return text
end

-- Ends the call before anything was written. `code` is the first word, which the client maps to an exception.
local function refuse(code, detail)
  error({err = code .. ' ' .. detail})
end

-- A value whose version (its first byte) is not the one known here and cannot be raised to it.
local function refuse_version(key, value, known)
  refuse('FORMAT', (byte(value, 1) or 0) .. ' ' .. byte(known) .. ' ' .. key)
end
