"""The contract as documents made from the structs: a JSON Schema per message, an AsyncAPI one of the topics.

`python -m schemas.documents` writes them under `schemas/generated/`, where they are committed;
`python -m schemas.documents --check` says what has drifted and exits 1.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from schemas import outputs
from schemas.envelope import VERSION
from schemas.events import TYPES
from schemas.outputs import Alert, Screened, Suspension, Verdict
from schemas.topics import TOPICS, Topic

GENERATED: Final = Path(__file__).parent / "generated"
ASYNCAPI: Final = "asyncapi.json"

MESSAGES: Final[dict[str, type[msgspec.Struct]]] = {
    **TYPES,
    "verdict": Verdict,
    "screened": Screened,
    "suspension": Suspension,
    "alert": Alert,
}
"""Every message whose form is part of the contract."""

_BARE: Final = {
    "lesson": "Private to Crible; its form may change with any release.",
    "activity": "Private to Crible; its form may change with any release.",
    "dead_letter": "The received bytes, as they came.",
}
_DEAD_LETTER_HEADERS: Final = (
    "topic", "partition", "offset", "reason", "field", "value", "expected", "event_id", "claim_id",
    "received_at",
)  # fmt: skip


def documents() -> dict[str, str]:
    """File name -> text of every generated document, the same on every run."""
    made = {f"{name}.schema.json": _text(json_schema(name)) for name in MESSAGES}
    made[ASYNCAPI] = _text(asyncapi())
    return made


def write(directory: Path = GENERATED) -> None:
    """Write every document, and remove those of messages that are no more."""
    directory.mkdir(parents=True, exist_ok=True)
    made = documents()
    for stale in directory.glob("*.json"):
        if stale.name not in made:
            stale.unlink()
    for name, text in made.items():
        (directory / name).write_text(text, encoding="utf-8")


def drift(directory: Path = GENERATED) -> list[str]:
    """What differs from the structs: `missing: X`, `stale: X`, `differs: X`, sorted; empty = all current."""
    made = documents()
    there = {path.name: path.read_text(encoding="utf-8") for path in directory.glob("*.json")}
    found = [f"missing: {name}" for name in made.keys() - there.keys()]
    found += [f"stale: {name}" for name in there.keys() - made.keys()]
    found += [f"differs: {name}" for name in made.keys() & there.keys() if made[name] != there[name]]
    return sorted(found)


def json_schema(name: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one message of MESSAGES."""
    schema = msgspec.json.schema(MESSAGES[name])
    (_admit_null if name in TYPES else _require_written)(schema["$defs"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:crible:{name}:{VERSION}",
        "title": name,
        **schema,
    }


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3.0 document: channels, what Crible receives and sends there, the form of each message."""
    _, inputs = msgspec.json.schema_components(TYPES.values(), ref_template="#/components/schemas/{name}")
    _admit_null(inputs)
    made = [kind for name, kind in MESSAGES.items() if name not in TYPES]
    _, answers = msgspec.json.schema_components(made, ref_template="#/components/schemas/{name}")
    _require_written(answers)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Crible",
            "version": str(VERSION),
            "description": "Health-insurance claims in, verdicts out, over the Kafka protocol.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in TOPICS.values()},
        "operations": dict(
            _operation(topic, action) for topic in TOPICS.values() for action in _actions(topic)
        ),
        "components": {
            "messages": {name: _message(name) for name in (*MESSAGES, *_BARE)},
            "schemas": {**inputs, **answers},
        },
    }


def _channel(topic: Topic) -> dict[str, Any]:
    configuration: dict[str, Any] = {
        "cleanup.policy": [topic.cleanup],
        "max.message.bytes": topic.max_message_bytes,
    }
    if topic.retention_ms is not None:
        configuration["retention.ms"] = topic.retention_ms
    binding: dict[str, Any] = {
        "topic": topic.name,
        "topicConfiguration": configuration,
        "bindingVersion": "0.5.0",
    }
    if topic.partitions is not None:
        binding["partitions"] = topic.partitions
    access = " Restricted." if topic.restricted else ""
    return {
        "address": topic.name,
        "description": f"{topic.summary} Key: {topic.key}.{access}",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in topic.types},
        "bindings": {"kafka": binding},
    }


def _actions(topic: Topic) -> tuple[str, ...]:
    return {"in": ("receive",), "out": ("send",), "private": ("receive", "send")}[topic.direction]


def _operation(topic: Topic, action: str) -> tuple[str, dict[str, Any]]:
    return f"{action}-{topic.name}", {"action": action, "channel": {"$ref": f"#/channels/{topic.name}"}}


def _message(name: str) -> dict[str, Any]:
    if name in MESSAGES:
        return {"name": name, "payload": {"$ref": f"#/components/schemas/{MESSAGES[name].__name__}"}}
    message: dict[str, Any] = {"name": name, "summary": _BARE[name]}
    if name == "dead_letter":
        message["contentType"] = "application/octet-stream"
        message["headers"] = {
            "type": "object",
            "properties": {header: {"type": "string"} for header in _DEAD_LETTER_HEADERS},
        }
    return message


def _admit_null(definitions: dict[str, Any]) -> None:
    """Null says "not known" wherever a field may be absent, also where the struct has its own default."""
    for definition in definitions.values():
        required = definition.get("required", ())
        for name, member in definition.get("properties", {}).items():
            options = member.get("anyOf", ())
            if name not in required and {"type": "null"} not in options:
                default = {"default": member.pop("default")} if "default" in member else {}
                definition["properties"][name] = {"anyOf": [member, {"type": "null"}], **default}


def _require_written(definitions: dict[str, Any]) -> None:
    """A field with a default factory is written even when empty, so that a reader may rely on it."""
    for name, definition in definitions.items():
        for field in msgspec.structs.fields(getattr(outputs, name)):
            if field.default_factory is not msgspec.NODEFAULT:
                definition["required"].append(field.encode_name)


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Write the documents, or check them with `--check`; answers the exit status."""
    if arguments == ["--check"]:
        found = drift()
        for line in found:
            print(f"{line}: run `python -m schemas.documents`", file=sys.stderr)
        return 1 if found else 0
    if arguments:
        print(f"unknown argument {arguments[0]!r}: only --check is known", file=sys.stderr)
        return 2
    write()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
