"""What the contract expects at a JSON path: the words of an error message, found by walking the types."""

from __future__ import annotations

import re
from typing import Any, Final

from msgspec import inspect

_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_WORDS: Final[dict[type[inspect.Type], str]] = {
    inspect.StrType: "text",
    inspect.IntType: "a whole number",
    inspect.FloatType: "a number",
    inspect.BoolType: "true or false",
    inspect.DateType: "a date such as 2026-03-02",
    inspect.DateTimeType: "an instant such as 2026-03-02T10:15:00Z",
    inspect.VarTupleType: "a list",
    inspect.ListType: "a list",
    inspect.StructType: "an object",
    inspect.DictType: "an object",
}
_DATES: Final = (inspect.DateType, inspect.DateTimeType)


def at(tree: Any, path: str) -> Any:
    """What stands at a path such as `lines[3].amount`; None where the path leads nowhere."""
    for name, index in _steps(path):
        try:
            tree = tree[name] if name else tree[int(index)]
        except (KeyError, IndexError, TypeError):
            return None
    return tree


def wanted(kind: Any, path: str) -> str:
    """What a field of a type must hold: its enumeration, or the sort of value."""
    words = [_WORDS[type(option)] for option in _options(kind, path) if type(option) in _WORDS]
    return enumerated(kind, path) or " or ".join(words) or "a value"


def enumerated(kind: Any, path: str) -> str | None:
    """The lawful values of the enumeration at a path, or the form of a date; None for anything else."""
    for option in _options(kind, path):
        if isinstance(option, inspect.LiteralType):
            return "one of " + ", ".join(str(text) for text in option.values)
        if isinstance(option, _DATES):
            return _WORDS[type(option)]
    return None


def plainly(what: str) -> str:
    """msgspec's sentence as an expectation: "Expected `int` >= 0" -> "int >= 0"."""
    return what.removeprefix("Expected ").partition(", got")[0].replace("`", "")


def _steps(path: str) -> list[tuple[str, str]]:
    return _STEP.findall("." + path if path and path[0] != "[" else path)


def _options(kind: Any, path: str) -> tuple[inspect.Type, ...]:
    """The alternatives of the type at a path; empty where the path leaves the typed part."""
    options = _alternatives(inspect.type_info(kind))
    for name, _ in _steps(path):
        below: tuple[inspect.Type, ...] = ()
        for option in options:
            if name and isinstance(option, inspect.StructType):
                below = next((_alternatives(f.type) for f in option.fields if f.encode_name == name), ())
            elif not name and isinstance(option, (inspect.VarTupleType, inspect.ListType)):
                below = _alternatives(option.item_type)
        options = below
    return options


def _alternatives(info: inspect.Type) -> tuple[inspect.Type, ...]:
    return tuple(info.types) if isinstance(info, inspect.UnionType) else (info,)
