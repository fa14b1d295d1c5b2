"""`crm-agent sign-in`: a person says yes once, elsewhere; the tokens that follow are kept encrypted in the database."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.context import settings
from agent.cli.house import noun
from agent.cli.output import printable, say
from agent.cli.stop import Stop
from agent.exit_codes import SOME_FAILED, WRONG_USE

if TYPE_CHECKING:
    from config.model import Mailbox
    from connectors.errors import ConnectorError
    from connectors.oauth import DevicePrompt, TokenCache

app = noun("Sign in for a mailbox with delegated OAuth.")


@app.command("sign-in")
def sign_in(
    context: typer.Context,
    mailbox: Annotated[str, typer.Option("--mailbox", metavar="ADDR", help="The mailbox to sign in for.")],
) -> None:
    """Shows where to sign in and the code to type there, waits until that is done, and keeps the sign-in."""
    from agent.bootstrap import open_house, selected, store_key
    from agent.engine.progress import utc_now
    from agent.store.schedule import mailboxes
    from agent.store.tokens import StoredTokens

    configured = settings(context, secrets="store", mailboxes=True)
    with open_house(configured) as house:
        wanted = next(iter(selected(house.settings, mailbox)), None)
        if wanted is None:
            raise Stop(f"no mailbox {mailbox} in the configuration: see `crm-agent mailboxes`", code=WRONG_USE)
        _refuse_needless(wanted)
        tokens = StoredTokens(house.database, store_key(configured.store))
        _by_device(wanted, tokens)
        problem = _problem_of(wanted, tokens)
        mailboxes.lift(house.database, wanted.address, utc_now())
    if problem is not None:
        raise problem
    say(f"signed in: {wanted.address} is read at its next turn")


def _refuse_needless(mailbox: "Mailbox") -> None:
    """Says what to do instead where nobody can sign in."""
    from config.model import ExchangeAccess, GraphAccess, ImapAccess

    access, address = mailbox.access, mailbox.address
    if isinstance(access, GraphAccess | ExchangeAccess):
        instead = f"`crm-agent doctor --mailbox {address}` tries it"
        raise Stop(f"{address} is opened with the connector's own sign-in: {instead}", code=WRONG_USE)
    if not isinstance(access, ImapAccess):
        raise Stop(f"{address} is read from files: nobody has to sign in", code=WRONG_USE)
    if access.oauth is None:
        raise Stop(f"{address} signs in with a password: renew the secret that `password` names", code=WRONG_USE)
    if access.oauth.flow == "client-credentials":
        instead = f"nobody has to sign in, `crm-agent doctor --mailbox {address}` tries it"
        raise Stop(f"{address} is opened with the application's own secret: {instead}", code=WRONG_USE)


def _by_device(mailbox: "Mailbox", tokens: "TokenCache") -> None:
    from connectors.imap import tokens_of

    provider = tokens_of(mailbox, tokens)
    assert provider is not None  # noqa: S101 - mailboxes without OAuth are refused before; tells the type checker
    prompt = provider.start_device()
    _show(prompt, mailbox.address)
    provider.finish_device(prompt)


def _show(prompt: "DevicePrompt", address: str) -> None:
    """Where to go and what to type; on its way before the wait begins, whoever reads."""
    say(f"Open     {printable(prompt.url)}")
    say(f"Type     {printable(prompt.user_code)}")
    say(f"Sign in  as {address}, within {round(prompt.expires_in / 60)} minutes. Waiting …")
    sys.stdout.flush()


def _problem_of(mailbox: "Mailbox", tokens: "TokenCache") -> "ConnectorError | None":
    """Opens the mailbox with the new sign-in. Raises Stop if another account signed in than the mailbox wants.

    Any other trouble may pass, and is no reason to ask the person again.
    """
    from connectors import registry
    from connectors.errors import ConnectorError, NeedsSignIn

    source = registry.open_source(mailbox, tokens=tokens)
    try:
        source.folders()
    except NeedsSignIn as error:
        sentence = f"the mailbox refuses the account that signed in: sign in again as {mailbox.address}\n{error}"
        raise Stop(sentence, code=SOME_FAILED) from error
    except ConnectorError as error:
        return error
    finally:
        source.close()
    return None
