-- Values as earlier versions packed them, raised to the next one when they are read. A step is never changed: it ends in the
-- version after its own as that was, whatever came later.

-- Tiles, version 1: byte 1 version | 2-21 instant, day, fields of the patients hash, its limit | the three rings. Version 2
-- puts the sums of the windows that end with the head between head and rings; they are what the rings add up to.
local FORMER_TILE_BYTES = 3381

local function tile_1_to_2(value)
  if #value ~= FORMER_TILE_BYTES then return false end
  local head, day, fields, limit = unpack_at('<di4I4I4', value, 2)
  local minute, hour = floor(head / 300), floor(head / 3600)
  local short, claims24, amount24, claims7 = 0, 0, 0, 0
  local claims30, lines30, amount30, pairs30, patients30, active30 = 0, 0, 0, 0, 0, 0
  for i = minute - 11, minute do short = short + unpack_at('<I4', value, 22 + i % 48 * 4) end
  for i = hour - 23, hour do
    local claims, amount = unpack_at('<I4d', value, 214 + i % 72 * 12)
    claims24, amount24 = claims24 + claims, amount24 + amount
  end
  for i = day - 29, day do
    local claims, lines, amount, pairs_of_day, patients = unpack_at('<I4I4dI4I4', value, 1078 + i % 96 * 24)
    claims30, lines30, amount30 = claims30 + claims, lines30 + lines, amount30 + amount
    pairs30, patients30 = pairs30 + pairs_of_day, patients30 + patients
    if claims > 0 then active30 = active30 + 1 end
    if i > day - 7 then claims7 = claims7 + claims end
  end
  return '\2' .. pack('<di4I4I4I4I4dI4I4I4dI4I4I4I4', head, day, fields, limit, short, claims24, amount24, claims7, claims30,
    lines30, amount30, pairs30, patients30, active30, 0) .. sub(value, 22)
end
local FORMER_TILES = {tile_1_to_2}

-- What a family adds up to, version 1: the total as a decimal number, no version; its members are the other fields. Version
-- 2: version byte, members, total.
local function former_sums(key, sums)
  if not find(sums, '^%d+$') then return sums end
  return '\2' .. pack('<I4I4', call('HLEN', key) - 1, tonumber(sums))
end

-- Memo, version 1: msgpack [content hash, status, results, short keys of their ops]; windows in doubles. Answers content
-- hash, status and the results of the ops that are asked for now.
local FORMER_MEMO = '\148' -- an array of four
local FORMER_WINDOWS, WINDOWS_OF_2 = '<dddddddddddddd', '<dddfffdfffffff'

local function former_memo(memo, entry, keys, tag)
  local answer = decode(memo)
  local remembered, shorts, who = answer[3], answer[4], false
  if #entry[7] > 0 then
    local at = 5 + unpack_at('<I2', entry[7], 1) -- two lengths, identity, beneficiary
    who = sub(entry[7], at, at - 1 + unpack_at('<I2', entry[7], 3))
  end
  local results = {}
  if answer[2] > 1 then return answer[1], answer[2], results end
  for i = 1, #entry[12] do
    local op = entry[12][i]
    local short = sub(keys[op[2]], #tag + 1)
    local home = sub(short, 1, 2) -- a short key that ends with the beneficiary is kept without it
    if who and short ~= home .. who then home = short end
    results[i] = false
    for j = 1, #shorts do
      if shorts[j] == short or shorts[j] == home then
        local result = remembered[j]
        if result and op[1] == 3 then
          local fields = {unpack_at(FORMER_WINDOWS, result, 1)}
          result = pack(WINDOWS_OF_2, unpack(fields, 1, 14))
        end
        results[i], shorts[j] = result, false
        break
      end
    end
  end
  return answer[1], answer[2], results
end
