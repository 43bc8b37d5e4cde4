"""Roots: what gives the operation's own fields, each in its own way."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benegraph.execution.arguments import Called
from benegraph.execution.connections import read_pages
from benegraph.execution.declarations import Arguments, Target
from benegraph.execution.making import by_key, held
from benegraph.execution.outcomes import Failure
from benegraph.execution.plans import Asked, Fetch, Made, ObjectPlan, OneOf, PagePlan
from benegraph.execution.reading import Wanted
from benegraph.execution.writing import Written

if TYPE_CHECKING:
    from benegraph.execution.running import Run

Targets = Sequence[Target | Exception | None]


@dataclass(slots=True, eq=False)
class Constant:
    """What the schema alone decides: `__typename`."""

    asked: Asked
    value: str

    async def read(self, _run: "Run", _context: Any) -> Any:
        return self.value


@dataclass(slots=True, eq=False)
class Held:
    """An object or a list of objects that the request's context holds."""

    asked: Asked
    value: Callable[[Any], Any]
    plan: ObjectPlan
    listed: bool

    async def read(self, run: "Run", context: Any) -> Any:
        try:
            value = self.value(context)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the field's
            return run.fail(error)
        (made,) = await held(run, self.plan, [value], listed=self.listed)
        return made


@dataclass(slots=True, eq=False)
class Found:
    """The rows that some targets name; of one alone, what it names."""

    asked: Asked
    called: Called
    targets: Callable[[Any, Arguments], Targets]
    choice: OneOf
    listed: bool

    async def read(self, run: "Run", context: Any) -> Any:
        try:
            targets = [self._known(target) for target in self.targets(context, self.called.arguments(run.variables))]
        except Exception as error:  # noqa: BLE001 - as above
            return run.fail(error)
        found = await self._rows(run, [target for target in targets if isinstance(target, Target)])
        given = [
            run.fail(target)
            if isinstance(target, Exception)
            else None
            if target is None
            else found.get((target.kind, target.key))
            for target in targets
        ]
        return given if self.listed else given[0]

    def _known(self, target: Target | Exception | None) -> Target | Exception | None:
        if isinstance(target, Target) and target.kind not in self.choice.plans:
            return _nowhere(target)
        return target

    async def _rows(self, run: "Run", targets: Sequence[Target]) -> dict[tuple[str, Any], Made]:
        """Read the rows of a kind together."""
        rows: dict[tuple[str, Any], Made] = {}
        for kind in dict.fromkeys(target.kind for target in targets):
            look_up = self.choice.plans[kind]
            keys = [target.key for target in targets if target.kind == kind]
            for key, made in (await by_key(run, look_up, keys)).items():
                rows[kind, key] = made
                run.kinds[id(made)] = look_up.plan
        return rows


@dataclass(slots=True, eq=False)
class Paged:
    """A page of all rows there are."""

    asked: Asked
    fetch: Fetch
    plan: PagePlan

    async def read(self, run: "Run", _context: Any) -> Any:
        window = run.windows(self.fetch)[0]
        if isinstance(window, Failure):
            return window
        (page,) = await read_pages(run, self.fetch, self.plan, [""], window)
        return page


@dataclass(slots=True, eq=False)
class Texts:
    """What of an operation's own fields comes as texts: all of them in one row."""

    fetch: Fetch = field(default_factory=lambda: Fetch(Wanted(None)))
    told: list["Told"] = field(default_factory=list)

    async def read(self, run: "Run", context: Any) -> list[Any]:
        """Give the text of each field, None for what there isn't, or a failure."""
        keys = [told.key(run, context) for told in self.told]
        asked = [None if isinstance(key, Failure) else key for key in keys]
        row: Sequence[Any] = asked
        if any(key is not None for key in asked):
            (row,) = await run.rows(self.fetch, asked)
        return [key if isinstance(key, Failure) else text for key, text in zip(keys, row, strict=False)]


@dataclass(slots=True, eq=False)
class Told:
    """A row that is found, or a page of all rows there are, which comes as a text."""

    asked: Asked
    called: Called
    texts: Texts
    #: What is to be found, and what names it; None of a page, of which there is a window.
    target: tuple[str, Callable[[Any, Arguments], Target | Exception | None]] | None
    window: int | None
    text: Written

    async def read(self, run: "Run", context: Any) -> Any:
        if run.texts is None:
            run.texts = iter(await self.texts.read(run, context))
        text = next(run.texts)
        if isinstance(text, Failure):
            return text
        (made,) = await self.text.fill(run, (), (text,))
        return made

    def key(self, run: "Run", context: Any) -> Any:
        """Give the key of what is asked for, None where there is nothing, or a failure."""
        if self.target is None:
            window = run.windows(self.texts.fetch)[self.window or 0]
            return window if isinstance(window, Failure) else ""
        kind, names = self.target
        try:
            target = names(context, self.called.arguments(run.variables))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the field's
            return run.fail(error)
        if isinstance(target, Exception):
            return run.fail(target)
        if target is not None and target.kind != kind:
            return run.fail(_nowhere(target))
        return None if target is None else target.key


@dataclass(slots=True, eq=False)
class Performed:
    """What came of a change, and what is read of it then."""

    asked: Asked
    called: Called
    call: Callable[[Any, Arguments], Awaitable[Any]]
    plan: ObjectPlan
    listed: bool

    async def read(self, run: "Run", context: Any) -> Any:
        try:
            done = await self.call(context, self.called.arguments(run.variables))
            async with run.opened() as run.reader:
                (made,) = await held(run, self.plan, [done], listed=self.listed)
        except Exception as error:  # noqa: BLE001 - what was done stays done: the error is this field's alone
            return run.fail(error)
        return made


def _nowhere(target: Target) -> Exception:
    return LookupError(f"Nothing says where to look for {target.kind}.")
