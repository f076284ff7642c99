"""Whether an authorised campaign explains what an executor bills."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detectors.base import Context

if TYPE_CHECKING:
    from schemas.claim import Line


def authorised(context: Context, number: str, lines: list[Line]) -> bool:
    """Whether an authorised campaign covers all these acts, for a beneficiary of one of its communes."""
    person = context.seen.beneficiary
    home = None if person is None else person.commune
    for campaign in context.referentials.campaigns(number, lines[0].service_date):
        here = not campaign.communes or home is None or home in campaign.communes
        acts = campaign.acts
        if (
            here
            and (not acts or all(line.code in acts for line in lines))
            and all(campaign.covers(line.service_date) for line in lines)
        ):
            return True
    return False
