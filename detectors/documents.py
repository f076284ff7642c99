"""D03: a form, an invoice or a prescription that has already served."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from detectors.base import HARD_WEIGHT, CannotCheck, Context, Declaration, Finding, Threshold
from detectors.reading import act_name, at_stake, coverage_index
from schemas.claim import Claim, Document, Line
from schemas.observation import DocumentUse, entity_ref

REUSABLE: Final = frozenset({"ACCORD"})
"""Serve several claims by nature."""


def document_key(document: Document, claim: Claim) -> str | None:
    """What makes two papers the same one: type, issuer, number and year, else the image's hash.

    None where neither is there: a number without its issuer is anybody's. The year is the document's, or the
    deposit's, since invoice counters start again each year.
    """
    if document.type in REUSABLE:
        return None
    if document.number is not None and document.issuer is not None:
        year = (document.date or claim.deposit_date).year
        return f"{document.type}|{document.issuer}|{document.number}|{year}"
    return None if document.hash is None else f"hash|{document.hash}"


class DocumentReuse:
    """D03."""

    declaration = Declaration(
        code="D03",
        label_fr="Pièce justificative réutilisée",
        label_en="Document reuse",
        label_ar="إعادة استعمال وثيقة إثبات",
        nature="PRE",
        hard=True,
        weight=0.6,
        axis="care",
        reads=("documents", "insured", "coverage", "lines.executor", "lines.code"),
        windows=("documents 24 mo",),
        needs="documents",
        thresholds={"same_insured": Threshold(0.6, "weight", "one receipt for siblings is a common mistake")},
        caveats_fr=(
            "Ordonnance renouvelable",
            "Un même reçu servant plusieurs enfants d'un assuré",
            "Numérotation des factures reprise chaque année",
        ),
        caveats_en=(
            "Renewable prescription",
            "One receipt for several children of an insured",
            "Invoice numbers that start again each year",
        ),
    )

    def check(self, context: Context) -> Iterable[Finding | CannotCheck]:
        """Judges each document on its uses by other claims of the same coverage."""
        known, papers = context.seen.documents, context.claim.documents or ()
        used = [document for document in known if document[2]]
        return () if len(known) == len(papers) and not used else self._judge(context, used)

    def _judge(
        self, context: Context, used: list[tuple[int, str, list[DocumentUse]]]
    ) -> Iterator[Finding | CannotCheck]:
        claim = context.claim
        for document in claim.documents or ():
            nameless = document.issuer is None and document.hash is None and document.number is not None
            if nameless and document.type not in REUSABLE:
                yield CannotCheck("D03", "documents.issuer")
        if not used:
            return
        own_claim, coverage = entity_ref(claim.claim_id), coverage_index(claim)
        for index, key, uses in used:
            others = [use for use in uses if use.claim != own_claim and use.coverage == coverage]
            if not others or claim.documents is None or index >= len(claim.documents):
                continue
            document = claim.documents[index]
            judge = self._prescription if document.type == "ORDONNANCE" else self._proof
            result = judge(context, document, key, others)
            if result is not None:
                yield result

    def _proof(
        self, context: Context, document: Document, key: str, others: list[DocumentUse]
    ) -> Finding | None:
        foreign = self._foreign(context, others)
        if foreign:
            return self._finding(context, document, key, foreign, "other_insured")
        own = {context.number.get(line.executor or "", 0) for line in _lines(context.claim, document)} - {0}
        theirs = {use.executor for use in others} - {0}
        if own and theirs and own.isdisjoint(theirs):
            return self._finding(context, document, key, others, "other_executor")
        return self._finding(context, document, key, others, "same_insured")

    def _prescription(
        self, context: Context, document: Document, key: str, others: list[DocumentUse]
    ) -> Finding | CannotCheck | None:
        foreign = self._foreign(context, others)
        if foreign:
            return self._finding(context, document, key, foreign, "other_insured")
        if document.lines is None:
            return CannotCheck("D03", "documents.lines")
        products = {context.number.get(act_name(line), -1) for line in _lines(context.claim, document)}
        claims: dict[int, set[bytes]] = {}
        for use in others:
            if use.product in products:
                claims.setdefault(use.product, set()).add(use.claim)
        if not claims:
            return None
        if document.renewals is None:
            return CannotCheck("D03", "documents.renewals")
        beyond = {product for product, users in claims.items() if len(users) > document.renewals}
        if not beyond:
            return None
        used = [use for use in others if use.product in beyond]
        finding = self._finding(context, document, key, used, "renewals")
        finding.value = float(max(len(claims[product]) for product in beyond))
        finding.threshold = float(document.renewals)
        return finding

    @staticmethod
    def _foreign(context: Context, others: list[DocumentUse]) -> list[DocumentUse]:
        insured = entity_ref(context.claim.insured)
        return [use for use in others if use.insured != insured]

    def _finding(
        self, context: Context, document: Document, key: str, uses: Iterable[DocumentUse], variant: str
    ) -> Finding:
        uses = list(uses)
        hard = variant in ("other_insured", "other_executor")
        lines = tuple(document.lines or ())
        return Finding(
            "D03",
            "H" if hard else "S",
            weight=HARD_WEIGHT if hard else context.value("D03", "same_insured"),
            lines=lines,
            amount=at_stake(context.claim, lines),
            n=len({use.claim for use in uses}),
            window="24 mo",
            variant=variant,
            facts={
                "type": document.type,
                "number": document.number,
                "issuer": document.issuer,
                "claims": len({use.claim for use in uses}),
                "renewals": document.renewals,
            },
            evidence=tuple(dict.fromkeys((key, use.event) for use in uses)),
            scheme=f"D03:{key}" if hard else None,
        )


def _lines(claim: Claim, document: Document) -> Iterator[Line]:
    for line in claim.lines:
        if document.lines is None or line.line in document.lines:
            yield line
