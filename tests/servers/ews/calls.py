"""One request on its way through the server: who asks, on whose behalf, and what the ids in it mean.

Operations are functions that register themselves by name and answer with the content of the body.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from lxml import etree

from tests.servers.ews import soap
from tests.servers.ews.faults import Fault
from tests.servers.ews.soap import M, Node, Refusal, T, local
from tests.servers.ews.store import Box, Folder, Item, World

Thing = TypeVar("Thing")


@dataclass(kw_only=True, eq=False)
class Account:
    """Somebody who may sign in. box: their mailbox, if they have one.

    impersonates: addresses they may act as, "*" for all. opens: addresses whose mailboxes they may open as delegates;
    reviews: those where they may only read. wrong: wrong passwords in a row.
    """

    username: str
    password: str
    box: Box | None = None
    impersonates: set[str] = field(default_factory=set)
    opens: set[str] = field(default_factory=set)
    reviews: set[str] = field(default_factory=set)
    locked: bool = False
    wrong: int = 0


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request. box: the mailbox of the caller, or of whom the caller acts as. element: the operation's."""

    world: World
    account: Account
    box: Box | None
    element: Any
    impersonated: bool
    refusal: Refusal | None = None
    share: int | None = None
    refused: frozenset[str] | None = None

    def refusing(self, faults: Iterable[Fault]) -> "Call":
        """The same call, of whose things some are refused because a test wants it so."""
        found = [fault for fault in faults if fault.refusal is not None]
        return replace(self, refusal=found[0].refusal, share=found[0].share, refused=found[0].items) if found else self

    @property
    def operation(self) -> str:
        """The name of the operation."""
        return local(self.element)

    def mine(self) -> Box:
        """The mailbox of the caller. Raises SoapFault if there is none."""
        if self.box is None:
            raise soap.SoapFault("ErrorMissingEmailAddress", "The account has no mailbox.")
        return self._open(self.box)

    def other(self, address: str, *, write: bool = False) -> Box:
        """The mailbox of an address, if the caller may open it. Raises Refusal."""
        box = find_box(self.world, address)
        if box is None:
            raise Refusal("ErrorNonExistentMailbox", "The SMTP address has no mailbox associated with it.")
        return self._open(box, write)

    def _open(self, box: Box, write: bool = False) -> Box:
        shared = self.account.opens if write else self.account.opens | self.account.reviews
        delegated = not self.impersonated and box.address in shared
        if box is not self.box and not delegated:
            raise Refusal("ErrorAccessDenied", "Access is denied. Check credentials and try again.")
        if box.refusal:
            raise Refusal(box.refusal)
        return box

    def folder(self, holder: Node, *, write: bool = False) -> tuple[Box, Folder]:
        """The folder that a FolderId, a DistinguishedFolderId or an element around one names. Raises Refusal."""
        name = local(holder)
        if name == "DistinguishedFolderId":
            return self._distinguished(holder, write)
        if name != "FolderId":
            return self.folder(soap.children(holder)[0], write=write)
        _well_formed(holder.get("Id"))
        if holder.get("Id") in self.world.items:
            raise Refusal("ErrorCannotUseItemIdForFolderId", "Item Id was passed where a folder Id is expected.")
        found = self.world.folders.get(holder.get("Id"))
        if found is None:
            raise Refusal("ErrorItemNotFound", "The specified object was not found in the store.")
        self._open(found[0], write)
        return found

    def _distinguished(self, element: Node, write: bool) -> tuple[Box, Folder]:
        address = element.findtext(f"{T}Mailbox/{T}EmailAddress")
        box = self.other(address, write=write) if address else self.mine()
        folder = box.names.get(element.get("Id"))
        if folder is None:
            raise Refusal("ErrorFolderNotFound", "The specified folder could not be found in the store.")
        return box, folder

    def item(self, element: Node, *, write: bool = False) -> tuple[Box, Item]:
        """The item that an ItemId names. Raises Refusal."""
        _well_formed(element.get("Id"))
        if element.get("Id") in self.world.folders:
            raise Refusal("ErrorCannotUseFolderIdForItemId", "Folder Id was passed where an item Id is expected.")
        found = self.world.items.get(element.get("Id"))
        if found is None:
            raise Refusal("ErrorItemNotFound", "The specified object was not found in the store.")
        self._open(found[0], write)
        return found

    def each(self, things: Iterable[Thing], do: Callable[[Thing], str], *, empty: str = "") -> str:
        """The answer of an operation that does one thing after the other; `empty` stands in a message that says no."""
        return soap.answer(self.operation, [self._one(n, thing, do, empty) for n, thing in enumerate(things)])

    def _one(self, number: int, thing: Thing, do: Callable[[Thing], str], empty: str) -> str:
        try:
            if self.refusal is not None and self._is_refused(number, thing):
                raise self.refusal
            return soap.success(self.operation, do(thing))
        except soap.SoapFault:
            raise
        except Refusal as refusal:
            return soap.failure(self.operation, refusal, empty)

    def _is_refused(self, number: int, thing: Any) -> bool:  # noqa: ANN401  # an element, or what stands for one
        if self.refused is not None:
            return bool(etree.iselement(thing)) and thing.get("Id") in self.refused
        return self.share is None or number < self.share

    def all(self, path: str) -> list[Node]:
        """Child elements below a path of message elements."""
        holder = self.element.find("/".join(f"{M}{name}" for name in path.split("/")))
        return [] if holder is None else soap.children(holder)


def find_box(world: World, address: str) -> Box | None:
    """The mailbox that has an address, as its first or another one."""
    wanted = address.lower().removeprefix("smtp:")
    return next((b for b in world.boxes.values() if wanted == b.address or wanted in b.aliases), None)


def _well_formed(identity: str) -> None:
    if not identity.startswith("AAMk") or " " in identity:
        raise Refusal("ErrorInvalidIdMalformed", "Id is malformed.")


OPERATIONS: dict[str, Callable[[Call], str]] = {}
Operation = Callable[[Call], str]


def operation(name: str) -> Callable[[Operation], Operation]:
    """Registers an operation."""

    def keep(function: Operation) -> Operation:
        OPERATIONS[name] = function
        return function

    return keep
