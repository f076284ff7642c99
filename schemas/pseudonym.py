"""Pseudonyms of people: HMAC-SHA-256 of their identifiers, made at decode before anything else sees them.

The key belongs to the organism. The same person has the same pseudonym in every field, so that links survive.
A value that already has the form of a pseudonym (64 lower-case hex digits) stays as it is: reviews, orders
and signals often quote what Crible itself has written.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from functools import lru_cache
from pathlib import Path

MIN_KEY_BYTES = 32
REMEMBERED = 65_536
"""Pseudonyms kept at hand, about 15 MB: one person's events come in runs, and an HMAC costs about 2 us."""

_FORM = re.compile(r"[0-9a-f]{64}")


class PseudonymKeyError(ValueError):
    """The key file cannot serve; the message says what to put there."""


class Pseudonyms:
    """Turns identifiers into pseudonyms. `Pseudonyms(bytes(32))("B-1")` is 64 hex digits."""

    def __init__(self, key: bytes) -> None:
        """`key`: 32 bytes or more; raises PseudonymKeyError when shorter."""
        if len(key) < MIN_KEY_BYTES:
            raise PseudonymKeyError(f"the key has {len(key)} bytes, {MIN_KEY_BYTES} or more are needed")
        self._key = key
        self._remember = lru_cache(REMEMBERED)(self._make)

    @classmethod
    def from_file(cls, path: str | Path) -> Pseudonyms:
        """Reads a key file: 32 bytes or more, base64, one line. Raises PseudonymKeyError naming the file."""
        hint = "make one with: head -c 32 /dev/urandom | base64 > FILE"
        try:
            text = Path(path).read_text(encoding="ascii").strip()
            if len(text.splitlines()) != 1:
                raise PseudonymKeyError("it must hold one line of base64")
            return cls(base64.b64decode(text, validate=True))
        except OSError as error:
            reason = error.strerror or str(error)
        except (UnicodeDecodeError, binascii.Error):
            reason = "it is not base64 text"
        except PseudonymKeyError as error:
            reason = str(error)
        raise PseudonymKeyError(f"cannot use the pseudonym key file {path}: {reason}; {hint}")

    def __call__(self, identifier: str) -> str:
        """The pseudonym of one identifier; an empty one stays empty."""
        return self._remember(identifier)

    def fingerprint(self) -> str:
        """Tells two keys apart without telling anything about them (16 hex digits)."""
        return hmac.new(self._key, b"crible key fingerprint", hashlib.sha256).hexdigest()[:16]

    def _make(self, identifier: str) -> str:
        if not identifier or _FORM.fullmatch(identifier):
            return identifier
        return hmac.new(self._key, identifier.encode(), hashlib.sha256).hexdigest()
