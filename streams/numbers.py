"""The way back from numbers to names, as a mapping of which only a miss asks Redis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from state import Store


class NameOf(Mapping[int, str]):
    """Number -> name. Raises KeyError for a number that was never given."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getitem__(self, number: int) -> str:
        return self._store.name(number)

    def __iter__(self) -> Iterator[int]:
        return iter(())

    def __len__(self) -> int:
        return 0
