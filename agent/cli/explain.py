"""`crm-agent explain`: why a message was logged or not, for whoever asks."""

from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.doors import reading
from agent.cli.house import noun
from agent.cli.output import Json, emit, note, say
from agent.exit_codes import SOME_FAILED

if TYPE_CHECKING:
    from agent.store.mail.decisions import Ruling

app = noun("Why a message was logged or not.")


@app.command("explain")
def explain(
    context: typer.Context,
    message_id: Annotated[str, typer.Argument(metavar="MESSAGE-ID", help="With or without <>.")],
    as_json: Json = False,
) -> int:
    """One line for every mailbox that saw the message. Exit code 1 if none did."""
    from agent.store.mail import decisions
    from matchers.thread import normal_id

    own = normal_id(message_id)
    with reading(context) as (house, connection):
        found = decisions.of_message(connection, house.hasher.of_id(own))
    rows = [told(own, ruling) for ruling in found] or [told(own, None)]
    if as_json:
        emit(rows, as_json=True)
        note("" if found else str(rows[0]["sentence"]))
    else:
        for row in rows:
            say(f"{row['mailbox']}: {row['sentence']}" if row["mailbox"] else str(row["sentence"]))
    return 0 if found else SOME_FAILED


def told(message_id: str, ruling: "Ruling | None") -> dict[str, object]:
    """The answer for one mailbox, in the shape of the contract; for none: unknown. Pure."""
    from matchers.explain import sentence

    if ruling is None:
        empty: dict[str, object] = dict.fromkeys(("reason", "rule", "mailbox", "decided_at", "interaction_id"))
        plain = sentence("unknown", None, None)
        return {"message_id": message_id, "outcome": "unknown", "sentence": plain} | empty | _NOTHING
    return {
        "message_id": message_id,
        "outcome": ruling.outcome,
        "reason": ruling.reason,
        "sentence": sentence(ruling.outcome, ruling.reason, ruling.rule, ruling.evidence),
        "rule": ruling.rule,
        "evidence": list(ruling.evidence),
        "candidates": list(ruling.candidates),
        "mailbox": ruling.mailbox,
        "decided_at": ruling.decided_at,
        "interaction_id": ruling.interaction_id,
    }


_NOTHING: dict[str, object] = {"evidence": [], "candidates": []}
