"""The plain values of `crible inspect` as pages for a terminal: amounts in MAD, base and complementary apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.text import Text

from streams.inspecting import operation_pages
from streams.inspecting.tables import coloured, mad, table, text

MOST_ROWS = 12  # of one grouping and window; --json has them all
LOG_DAYS = 15
COVERED = ("base", "complementary", "both")
STEPS = {"claims": "steps", "patients": "beneficiaries", "patient_days": "beneficiary_days"}
"""What the windows of a liquidator count, in place of claims and patients."""
Told = dict[str, Any]


def show(told: Told, console: Console) -> None:
    """Print the page of one entity."""
    console.print(Text(f"{told['kind']} {told['id']}", style="bold"))
    if told["kind"] == "beneficiary":
        _beneficiary(told, console)
    elif told["kind"] == "verdict":
        _verdict(told, console)
    else:
        _actor(told, console)


def console() -> Console:
    """A console as wide as the terminal; a file or a pipe gets lines of 200 columns."""
    usual = Console()
    return usual if usual.is_terminal else Console(width=200)


def _record(title: str, values: Told | None, console: Console, nothing: str) -> None:
    if values is None:
        console.print(Text(f"{title}: {nothing}"))
        return
    console.print(table(title, ("field", "value"), values.items()))


def _beneficiary(told: Told, console: Console) -> None:
    _record("registry entry", told["registry"], console, "none")
    days = told["log"][-LOG_DAYS:]
    shown = f"the last {len(days)} of {len(told['log'])} days of care"
    rows = [
        (day["date"], line["care_group"], line["act"], line["site"], line["executor"], line["prescriber"],
         line["quantity"], mad(line["amount"]), line["coverage"], line["event_id"])
        for day in days
        for line in day["lines"]
    ]  # fmt: skip
    columns = (
        "day",
        "care group",
        "act",
        "site",
        "executor",
        "prescriber",
        "quantity",
        "MAD",
        "cover",
        "event",
    )
    console.print(table(f"log: {shown}", columns, rows))
    _windows(told["windows"], f"windows up to {told['as_of']}", console)
    _care(told["care"], console)
    if told["facts"]:
        facts = [
            (one["kind"], one.get("key"), one["from"], one.get("until"), one["provider"])
            for one in told["facts"]
        ]
        console.print(table("facts", ("kind", "of", "from", "until", "provider"), facts))
    _holds(told["open_holds"], console)
    for kind, one in told["liquidated"].items():
        amounts = f"base {mad(one['base'])} MAD, complementary {mad(one['complementary'])} MAD"
        console.print(Text(f"{kind}s whose answers are kept: {amounts} on {one['lines']} lines"))
    _record("model", told["model"], console, "nothing learned")
    _record("signal", told["signal"], console, "none")
    _verdicts(told["verdicts"], f"last verdicts of {told['verdicts_kept']} kept", console)


def _windows(windows: Told, title: str, console: Console) -> None:
    rows = [(span, *_sums(one["total"]), *_patients(one)) for span, one in windows.items()]
    more = ("patients",) if any("patients" in one for one in windows.values()) else ()
    console.print(table(title, ("window", *_SUMS, *more), rows))
    last = list(windows)[-1] if windows else None
    if last is None:
        return
    for what, groups in windows[last].items():
        if what not in ("total", "patients") and groups:
            rows = [(name, *_sums(one)) for name, one in list(groups.items())[:MOST_ROWS]]
            left = len(groups) - len(rows)
            said = f"by {what.replace('_', ' ')}, {last}" + (f" (and {left} more: --json)" if left else "")
            console.print(table(said, (what.replace("_", " "), *_SUMS), rows))


_SUMS = (
    "lines",
    "claims",
    "days",
    "quantity",
    "base MAD",
    "compl. MAD",
    "both MAD",
    "executors",
    "prescribers",
)


def _sums(one: Told) -> tuple[Any, ...]:
    amounts = (mad(one["amount"][name]) for name in COVERED)
    return (
        one["lines"],
        one["claims"],
        one["days"],
        one["quantity"],
        *amounts,
        one["executors"],
        one["prescribers"],
    )


def _patients(one: Told) -> tuple[int, ...]:
    return (one["patients"],) if "patients" in one else ()


def _care(care: Told, console: Console) -> None:
    names = [name for name in next(iter(care.values()), {}) if any(one[name] for one in care.values())]
    rows = [(name.replace("_", " "), *(one[name] for one in care.values())) for name in names]
    console.print(table("counters of care", ("", *care), rows))


def _holds(holds: list[Told], console: Console) -> None:
    rows = [(one["event_id"], one["claim_id"], one["codes"]) for one in holds]
    if rows:
        console.print(table("open holds", ("event", "claim", "codes"), rows))
    else:
        console.print(Text("open holds: none"))


def _verdicts(records: list[Told], title: str, console: Console) -> None:
    rows = []
    for one in records:
        base, complementary = _sum(one["lines"], "base"), _sum(one["lines"], "complementary")
        rows.append(
            (one["verdict_id"], one["type"], one["event_time"], coloured(one["decision"]), one["codes"], one["score"],
             mad(one["amount_at_risk"]), mad(base), mad(complementary))
        )  # fmt: skip
    columns = (
        "verdict",
        "of a",
        "event time",
        "decision",
        "codes",
        "score",
        "MAD at risk",
        "base",
        "complementary",
    )
    console.print(table(title, columns, rows) if rows else Text(f"{title}: none"))


def _sum(lines: list[Told], name: str) -> int | None:
    known = [line[name] for line in lines if line[name] is not None]
    return sum(known) if known else None


def _actor(told: Told, console: Console) -> None:
    _record("registry entry", told["registry"], console, "not known here (give --log, or a broker)")
    for role, one in told["roles"].items():
        spans = [
            (span, *(_cell(name, value) for name, value in row.items()))
            for span, row in one["windows"].items()
        ]
        names = next(iter(one["windows"].values()))
        title = f"as {role}: arrivals up to {one['as_of']} (newest {one['newest_arrival']})"
        counted = {"amount": "MAD"} | (STEPS if told["kind"] == "liquidator" else {})
        columns = [counted.get(name, name).replace("_", " ") for name in names]
        console.print(table(title, ("window", *columns), spans))
        claims = counted.get("claims", "claims")
        console.print(
            Text(f"{claims} of the last hour {one['last_hour']}, of the last 24 {one['last_24_hours']}")
        )
        days = [
            (d["date"], d["claims"], d["lines"], mad(d["amount"]), d["patients"])
            for d in one["days"][-LOG_DAYS:]
        ]
        columns = ["day", *(counted.get(name, name) for name in ("claims", "lines", "amount", "patients"))]
        console.print(table("last days of arrival", columns, days))
    sheets = [tuple(sheet.values()) for sheet in told["sheets"][-LOG_DAYS:]]
    if sheets:
        console.print(table("last sheets of days of care", told["sheets"][0], sheets))
    _record("model", told["model"], console, "nothing learned")
    _record("signal", told["signal"], console, "none")
    for peers in told["peers"]:
        _record(f"peers {peers['group']}", {n: v for n, v in peers.items() if n != "group"}, console, "none")
    if told["kind"] == "liquidator":
        operation_pages.show(told["operations"], console)
    else:
        _practice(told["practice"], console)


def _practice(practice: Told | None, console: Console) -> None:
    if practice is None:
        console.print(Text("counters from the care logs and last verdicts: add --walk (it reads every key)"))
        return
    for what in ("executed", "prescribed"):
        if practice[what] is not None:
            _windows(practice[what]["windows"], f"{what}, by day of care up to {practice['as_of']}", console)
            _care(practice[what]["care"], console)
    _verdicts(practice["verdicts"], "last verdicts on its claims", console)


def _cell(name: str, value: Any) -> Any:
    return mad(value) if name == "amount" else value


def _verdict(told: Told, console: Console) -> None:
    if told["only_observed"]:
        console.print(Text("observed as history: nothing was decided"))
    for one in told["revisions"]:
        console.print(Text.assemble((one["verdict_id"], "bold"), "  ", coloured(one["decision"])))
        fields: tuple[tuple[str, Callable[[Any], Any]], ...] = (
            ("claim_id", text), ("type", text), ("event_time", text), ("issued_at", text), ("cause", text),
            ("supersedes", text), ("scope", text), ("lines", text), ("purpose", text), ("control_level", text),
            ("expires_at", text), ("on_expiry", text), ("valid_until", text), ("amount_at_risk", mad),
            ("expected_loss", mad), ("priority", text), ("score", text), ("score_state", text),
            ("ruleset", text), ("referentials", text), ("input", text),
        )  # fmt: skip
        rows = [(name, form(one[name])) for name, form in fields if one.get(name) not in (None, [], (), {})]
        console.print(table("record", ("field", "value"), rows))
        reasons = [
            (
                r["code"],
                r.get("class"),
                r.get("nature"),
                r.get("strength"),
                r["lines"],
                r.get("facts_en") or r["label_en"],
            )
            for r in one["reasons"]
        ]
        if reasons:
            console.print(
                table("reasons", ("code", "class", "nature", "strength", "lines", "facts"), reasons)
            )
        unchecked = [(item["code"], item["missing"]) for item in one.get("cannot_check", ())]
        if unchecked:
            console.print(table("could not be checked", ("code", "lacked"), unchecked))
        if one["terms"]:
            console.print(
                table("terms of the score", ("term", "value", "weight", "adds to the logit"), _terms(one))
            )
        if one.get("models"):
            console.print(table("models", ("model", "version"), one["models"].items()))
        lines = [
            (line["line"], mad(line["base"]), mad(line["complementary"]))
            for line in one["lines_compared"]
            if line["base"] is not None or line["complementary"] is not None
        ]
        if lines:
            console.print(table("lines compared", ("line", "base MAD", "complementary MAD"), lines))
        differs = f" (differs in {', '.join(one['differs_in'])})" if one["differs_in"] else ""
        console.print(Text(f"decides alike: {one['decides_alike']}{differs}"))


def _terms(one: Told) -> list[tuple[str, float | str, float | str, float]]:
    """What made the score: the prior of any claim, each term, and what they come to."""
    terms: list[tuple[str, float | str, float | str, float]] = [("prior", "", "", one["prior"])]
    terms += [
        (t["code"], round(t["value"], 4), round(t["weight"], 4), round(t["adds"], 4)) for t in one["terms"]
    ]
    return [*terms, (f"score {one['adds_up_to']:g}", "", "", round(sum(row[3] for row in terms), 4))]
