"""Pseudonyms are plain HMAC-SHA-256, stable, idempotent; a bad key file says what to do."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path

import pytest

from schemas.pseudonym import PseudonymKeyError, Pseudonyms

KEY = bytes(range(40))


def test_a_pseudonym_is_the_hmac_of_the_identifier(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(base64.b64encode(KEY) + b"\n")
    made = Pseudonyms.from_file(path)("Bé-1")
    assert made == hmac.new(KEY, "Bé-1".encode(), hashlib.sha256).hexdigest()
    assert Pseudonyms(KEY)(made) == made
    assert Pseudonyms(KEY)("") == ""


def test_two_keys_differ_in_pseudonyms_and_fingerprint() -> None:
    one, other = Pseudonyms(KEY), Pseudonyms(KEY[::-1])
    assert one("B-1") != other("B-1")
    assert one.fingerprint() != other.fingerprint()
    assert one.fingerprint() == Pseudonyms(KEY).fingerprint()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "one line"),
        (b"not base64!\n", "not base64"),
        (b"\xff\xfe", "not base64"),
        (base64.b64encode(KEY) + b"\n" + base64.b64encode(KEY), "one line"),
        (base64.b64encode(KEY[:31]), "31 bytes"),
    ],
)
def test_a_key_file_that_cannot_serve_says_why(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(PseudonymKeyError, match=said) as caught:
        Pseudonyms.from_file(path)
    assert str(path) in str(caught.value)
    assert "head -c 32" in str(caught.value)


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PseudonymKeyError, match="No such file"):
        Pseudonyms.from_file(tmp_path / "nowhere")
