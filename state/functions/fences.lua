-- Fences per input: o|lane|input the last offset observed, r|input the last recorded, e|input the owner's epoch.

local function offset_of(fences, name)
  return tonumber(call('HGET', fences, name) or '-1')
end

local function check_epoch(fences, span, index)
  local epoch = tonumber(call('HGET', fences, 'e|' .. span[1]) or '0')
  if epoch > span[4] then refuse('STALE', (index - 1) .. ' ' .. epoch) end
end

-- Checks every span against its fence and returns the fences. Only a fence behind `prev` is a gap.
local function check_spans(fences, spans, field_prefix)
  local found = {}
  for i = 1, #spans do
    local span = spans[i]
    check_epoch(fences, span, i)
    found[i] = offset_of(fences, field_prefix .. span[1])
    if found[i] < span[2] then refuse('GAP', (i - 1) .. ' ' .. format('%.0f', found[i])) end
  end
  return found
end

-- The chunks of a batch come as calls of their own, sent together: one is done only right after the one before it. A chunk
-- that was refused leaves a gap in the fences for the next; but one that only asks again for what is behind the fences
-- would not. Nothing of this is stored: where the functions are loaded anew in between, the caller starts over.
local chains = {} -- tag, lane and first input -> {token, chunks done, what waits for the chunks to come}

-- Checks a chunk's place in its chain [token, index, last] and answers what waits for it, nil for the first; to be called
-- before anything is written.
local function check_chain(name, chain, found)
  local done = chains[name]
  if chain[2] > 0 and not (done and done[1] == chain[1] and done[2] == chain[2]) then
    refuse('GAP', '0 ' .. format('%.0f', found[1]))
  end
  chains[name] = nil
  return chain[2] > 0 and done[3] or nil
end

local function chunk_done(name, chain, waits)
  if not chain[3] then chains[name] = {chain[1], chain[2] + 1, waits} end
end

local function move_fences(fences, spans, found, field_prefix)
  for i = 1, #spans do
    if spans[i][3] > found[i] then
      call('HSET', fences, field_prefix .. spans[i][1], format('%.0f', spans[i][3]))
    end
  end
end

-- KEYS: fences. ARGS: epoch (0: take the next one), then inputs.
-- Answers [epoch, observed in lane h, observed in lane a, recorded] for each input.
local function own(keys, args)
  bind()
  local fences, answer, epochs = keys[1], {}, {}
  for i = 2, #args do
    local stored = tonumber(call('HGET', fences, 'e|' .. args[i]) or '0')
    local wanted = tonumber(args[1])
    if wanted == 0 then wanted = stored + 1 end
    if stored > wanted then refuse('STALE', (i - 2) .. ' ' .. stored) end
    epochs[i] = wanted
  end
  for i = 2, #args do
    local name = args[i]
    call('HSET', fences, 'e|' .. name, epochs[i])
    answer[i - 1] = {epochs[i], offset_of(fences, 'o|h|' .. name), offset_of(fences, 'o|a|' .. name),
      offset_of(fences, 'r|' .. name)}
  end
  return answer
end
export('own', own)

-- KEYS: fences. ARGS: offset, then inputs. An input without fences starts after that offset.
local function start_after(keys, args)
  bind()
  for i = 2, #args do
    for _, name in ipairs({'o|h|', 'o|a|', 'r|'}) do call('HSETNX', keys[1], name .. args[i], args[1]) end
  end
  return redis.status_reply('OK')
end
export('begin', start_after)
