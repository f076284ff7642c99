"""Whatever a message says, the records that come out of it can be read again."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.models import activity, fusion, peers, quantile
from detectors.models.folds import fold_provider
from detectors.models.records import FusionRecord, PeerRecord, ProviderRecord, QuantileRecord, decode, encode

ANY = st.floats(allow_nan=True, allow_infinity=True)
SANE = st.floats(-30.0, 30.0)
FLAG = st.integers(0, 1)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(ANY | SANE, st.integers(0, 300)), max_size=40))
def test_peers(values: list[tuple[float, int]]) -> None:
    record: PeerRecord | None = None
    for value, source in values:
        record = peers.fold(record, value, source)
        assert decode("peers", encode(record)) == record


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), ANY | SANE, FLAG, FLAG, FLAG), max_size=40))
def test_provider(claims: list[tuple[int, float, int, int, int]]) -> None:
    record: ProviderRecord | None = None
    for day, level, new, top, weekend in claims:
        told = {"day": day, "level": level, "peers": None, "new": new, "top": top, "weekend": weekend}
        record = fold_provider(record, told)
        assert decode("provider", encode(record)) == record


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(ANY, ANY, ANY), max_size=30))
def test_activity(figures: list[tuple[float, float, float]]) -> None:
    members = summary = None
    for index, own in enumerate(figures):
        members, fresh = activity.fold(members, summary, str(index % 7), index, own)
        summary = fresh or summary
        assert decode("members", encode(members)) == members
    if summary is not None:
        assert decode("activity", encode(summary)) == summary


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(ANY | SANE, ANY | SANE, st.booleans()), max_size=20), st.lists(ANY, max_size=20))
def test_fusion_and_quantile(told: list[tuple[float, float, bool]], scores: list[float]) -> None:
    record = FusionRecord()
    for index, (value, start, fraud) in enumerate(told):
        term = {"code": "P01", "value": value, "start": start}
        outcome = "ABUSE" if fraud else "LEGITIMATE"
        record = fusion.fold(record, fusion.message("V", outcome, [f"R{index}"], {}, [term]))
        assert decode("fusion", encode(record)) == record
    spread = QuantileRecord()
    for score in scores:
        spread = quantile.fold(spread, score)
        assert decode("quantile", encode(spread)) == spread
