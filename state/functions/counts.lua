-- Reference-counted members: day sheets (packed) and counted families (hashes).
local SHEET_TTL = 130 * DAY_SECONDS
local PERSON, PLACE = 10, 6 -- bytes of an entry: reference or commune, then how often (uint16)

-- Changes how often `item` stands in a packed list of entries. Returns the list, or nil where nothing was to take out.
local function tally(list, size, item, by)
  local from = 1
  while true do
    local at = find(list, item, from, true)
    if not at then break end
    if (at - 1) % size == 0 then
      local count = unpack_at('<I2', list, at + #item) + by
      local entry = count > 0 and item .. pack('<I2', count) or ''
      return sub(list, 1, at - 1) .. entry .. sub(list, at + size)
    end
    from = at + 1
  end
  if by > 0 then return list .. item .. pack('<I2', by) end
  return nil
end

-- What one provider did on one day of care: minutes, then people, then communes (0: not known, not counted).
local function sheet(key, minutes, person, commune, by, age)
  local stored = load(key)
  local total, people, places = 0, '', ''
  if stored then
    local bytes
    total, bytes = unpack_at('<i4I2', stored, 2)
    people, places = sub(stored, 8, 7 + bytes), sub(stored, 8 + bytes)
  elseif by < 0 then
    if age < SHEET_TTL - DAY_SECONDS then refuse('LOST', key) end
    return
  end
  total = total + by * minutes
  people = tally(people, PERSON, person, by)
  if commune ~= 0 then places = tally(places, PLACE, pack('<I4', commune), by) end
  if not people or not places then refuse('LOST', key) end
  store(key, VERSION_BYTE .. pack('<i4I2', total, #people) .. people .. places, SHEET_TTL)
  return pack('<i4I4I4', total, #people / PERSON, #places / PLACE)
end

-- Members, total and own count of a family's bucket; the total stands under the empty field name.
local function standing(key, member)
  local total = field(key, '')
  local members = size_of(key) - (total and 1 or 0)
  return members, tonumber(total or '0'), tonumber(field(key, member) or '0')
end

local function count(key, before, member, by, ttl, age)
  local own = tonumber(field(key, member) or '0') + by
  if own < 0 then
    if age < ttl - DAY_SECONDS then refuse('LOST', key) end
    return
  end
  local total = tonumber(field(key, '') or '0') + by
  put(key, member, own > 0 and tostring(own) or false, ttl)
  put(key, '', total > 0 and tostring(total) or false, ttl)
  if by < 0 then return end
  local m, t, o = standing(key, member)
  local mb, tb, ob = standing(before, member)
  return pack('<I4I4I4I4I4I4', m, t, o, mb, tb, ob)
end
