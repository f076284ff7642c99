"""Redis as Crible's memory: windows, records, fences, and the functions that change them in one piece.

The room's door is `state.store.Store`. A batch of events goes in as `Ask`s that carry `Op`s (`state.ops`);
the answers come back as bytes that `state.codecs` turns into the types of `schemas.observation`. What is
applied, what was answered and what was decided is fenced per input, so that a batch may be sent again after
any crash and is answered as it was the first time. Keys are laid out in `state.keys` and nowhere else.
"""

from state.batch import Answer, Ask, Entry, Fences, HashDelete, HashWrite, Identity, Span
from state.embedded import EmbeddedRedis
from state.errors import BadFormat, ConfigurationError, Gap, Lost, OtherLog, Seen, Stale, StateError
from state.layout import Layout
from state.servers import Servers
from state.store import Store

__all__ = [
    "Answer",
    "Ask",
    "BadFormat",
    "ConfigurationError",
    "EmbeddedRedis",
    "Entry",
    "Fences",
    "Gap",
    "HashDelete",
    "HashWrite",
    "Identity",
    "Layout",
    "Lost",
    "OtherLog",
    "Seen",
    "Servers",
    "Span",
    "Stale",
    "StateError",
    "Store",
]
