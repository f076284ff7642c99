"""One claim at a time against sorted sets and pickled models in Redis."""

from __future__ import annotations

import pickle
from typing import Any

import redis

from bench.level import Level
from bench.subset import DAY, KEPT_DAYS, MIN_CLAIMS, MIN_PEERS, Care, care_windows, row

KEPT_CARE = (KEPT_DAYS + 92) * DAY  # papers come late, as in Crible
KEPT_CLAIMS = 92 * DAY


class NaiveEngine:
    """The subset on `client`, a synchronous redis-py client."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def screen(self, care: Care) -> dict[str, Any]:
        """The row of one claim."""
        acts = list(dict.fromkeys(act for act, _ in care.prices))
        names = [f"peers:{act}" for act in acts] + [f"level:{care.executor}"]
        answers = self._read_and_add(care, names)
        members, (last,), (hour, day, month), blobs = answers
        windows = care_windows([_entry(member) for member in members], care.day)
        same = int(last) if last is not None and last >= care.day - KEPT_DAYS else 0
        models = [pickle.loads(blob) if blob else Level() for blob in blobs]
        peers, level = dict(zip(acts, models, strict=False)), models[-1]
        z_amount = max((peers[act].score(x, MIN_PEERS) for act, x in care.prices), default=0.0)
        z_level = level.score(care.price, MIN_CLAIMS)
        for act, x in care.prices:
            peers[act].learn(x)
        level.learn(care.price)
        self._client.mset({name: pickle.dumps(model) for name, model in zip(names, models, strict=True)})
        return row(care, (*windows, same, hour, day, month), z_amount, z_level)

    def _read_and_add(self, care: Care, names: list[str]) -> tuple[Any, Any, Any, Any]:
        """The claim's windows as they stand, in one pipeline that also puts it in."""
        own, acts, claims = f"care:{care.beneficiary}", f"acts:{care.beneficiary}", f"claims:{care.executor}"
        pipe = self._client.pipeline(transaction=False)
        pipe.zremrangebyscore(own, "-inf", care.at // DAY - KEPT_CARE // DAY)
        pipe.zrangebyscore(own, f"({care.day - 30}", care.day)
        pipe.zmscore(acts, [care.act])
        pipe.zadd(
            own,
            {
                f"{care.event_id}:{index}|{entry.day}|{entry.executor}|{entry.act}|{entry.amount}": entry.day
                for index, entry in enumerate(care.entries)
            },
        )
        latest: dict[str, int] = {}
        for entry in care.entries:
            latest[entry.act] = max(entry.day, latest.get(entry.act, entry.day))
        pipe.zadd(acts, latest, gt=True)
        pipe.expire(own, KEPT_CARE)
        pipe.expire(acts, KEPT_CARE)
        pipe.zremrangebyscore(claims, "-inf", care.at - KEPT_CLAIMS)
        pipe.zadd(claims, {care.event_id: care.at})
        pipe.expire(claims, KEPT_CLAIMS)
        for after in (care.at - 3_600, care.at - DAY, (care.at // DAY - 29) * DAY - 1):
            pipe.zcount(claims, f"({after}", care.at)
        pipe.mget(names)
        replies = pipe.execute()
        return replies[1], replies[2], replies[-4:-1], replies[-1]


def _entry(member: bytes) -> tuple[int, str, str, int]:
    """A sorted set's member. An act's own name holds a bar."""
    _, day, executor, rest = member.decode().split("|", 3)
    act, _, amount = rest.rpartition("|")
    return int(day), executor, act, int(amount)
