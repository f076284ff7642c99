"""A beneficiary's registry entry as the state keeps it."""

from __future__ import annotations

from typing import Final

import msgspec

from schemas.registries import Beneficiary

_decoder: Final = msgspec.msgpack.Decoder(Beneficiary)


def packed(entry: Beneficiary) -> bytes:
    """The bytes of an entry."""
    return msgspec.msgpack.encode(entry)


def read(blob: bytes) -> Beneficiary:
    """The entry of its bytes. Raises msgspec.MsgspecError where they are damaged."""
    return _decoder.decode(blob)
