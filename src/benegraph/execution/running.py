"""Running: carries a plan out for one request, and gives its data and errors."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from itertools import repeat
from typing import Any

from graphql import GraphQLError, is_non_null_type
from graphql.execution.values import VariableValues

from benegraph.execution import steps
from benegraph.execution.declarations import Find, FindEach, Given, Perform, Target, ToPage, Uncovered
from benegraph.execution.outcomes import Failure, Settling
from benegraph.execution.plans import Composite, Fetch, Made, ObjectPlan, OneOf, Page, PagePlan, Plan, Root
from benegraph.execution.reading import Reader, Row, Window

#: Opens a reader, told whether it will be asked for one statement at most.
Open = Callable[[bool], AbstractAsyncContextManager[Reader]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an operation: the data, whose leaves are values as they were read, and the errors in it."""

    data: Made | None
    errors: list[GraphQLError]


async def run(plan: Plan, open_reader: Open, context: Any, variables: VariableValues) -> Outcome:
    """Carry out a plan. What a read raises is raised; once something was changed, it is its field's."""
    made: Made = {}
    current = Run(variables)
    if plan.changes:
        for root in plan.roots:  # one after another: each sees what the one before has changed
            value = await _perform(root, current, partial(_opened, plan, open_reader), context)
            made[root.asked.name] = value
            if (current.has_failed or _lacks(root, value)) and _settled([root], [value], current).data is None:
                break  # of an operation without data nobody expects that more of it was done
    else:
        async with _opened(plan, open_reader) as current.reader:
            for root in plan.roots:
                made[root.asked.name] = await _read(root, current, context)
    if current.has_failed or any(map(_lacks, plan.roots, made.values())):
        return _settled(plan.roots, made.values(), current)
    return Outcome(made, [])


def _settled(roots: Sequence[Root], values: Iterable[Any], run: "Run") -> Outcome:
    """Settle an answer in which something failed, as far as it was made."""
    made = {root.asked.name: value for root, value in zip(roots, values, strict=False)}
    settling = Settling(run.kinds)
    data = settling.whole({root.asked.name: root.asked for root in roots}, made)
    return Outcome(data, settling.errors)


def _lacks(root: Root, value: Any) -> bool:
    """Tell whether a null stands in one of the operation's own fields where it may be one too many."""
    return (value is None and is_non_null_type(root.asked.kind)) or (type(value) is list and None in value)


@dataclass(slots=True, eq=False)
class Run:
    """One request's own, while its plan is carried out."""

    variables: VariableValues
    #: None where nothing is to be read; of a mutation, that of the payload which is read at present.
    reader: Any = None
    has_failed: bool = False
    kinds: dict[int, Composite] = field(default_factory=dict)
    _windows: dict[Fetch, list[Any]] = field(default_factory=dict)

    async def objects(self, plan: ObjectPlan, rows: Sequence[Any]) -> list[Made]:
        """Make an object of each row."""
        if not rows:
            return []
        # Loops over rows are C's, as far as can be: rows are turned into columns, and columns into objects.
        values = rows if plan.values is None else map(plan.values, rows)
        if not plan.steps and not plan.required:
            return [*map(dict, map(zip, repeat(plan.names), values))]
        columns: dict[str, Sequence[Any]] = dict(zip(plan.names, zip(*values, strict=False), strict=False))
        for step in plan.steps:
            columns[step.name] = await step.fill(self, rows, columns[step.name])
        self.has_failed |= any(None in columns[name] for name in plan.required)
        return steps.together(columns, len(rows))

    def windows(self, fetch: Fetch) -> list[Any]:
        """Give the windows of a statement's pages; a failure for one that can't be."""
        found = self._windows.get(fetch)
        if found is None:
            found = self._windows[fetch] = [self._window(page) for page in fetch.pages]
        return found

    async def rows(self, fetch: Fetch, keys: Sequence[Any]) -> Sequence[Row]:
        windows = [None if isinstance(each, Failure) else each for each in self.windows(fetch)] if fetch.pages else ()
        rows: Sequence[Row] = await self.reader.rows(fetch.wanted, keys, windows)
        return rows

    def fail(self, error: Exception) -> Failure:
        """Note that a field has failed; give what stands in its place."""
        self.has_failed = True
        return Failure(error)

    def _window(self, page: Page) -> Window | Failure:
        if page.fixed is not None:
            return page.fixed
        try:
            window = page.window(page.called.arguments(self.variables))
        except Exception as error:
            if page.is_written:
                raise Uncovered("arguments") from error
            return self.fail(error)
        if page.called.fixed is not None:
            page.fixed = window
        return window


async def _read(root: Root, run: Run, context: Any) -> Any:
    """Read one field of the query."""
    declaration = root.declaration
    if declaration is None or root.called is None:
        return root.constant
    if isinstance(declaration, ToPage):
        return await _read_page(root, run)
    if isinstance(declaration, Given):
        return await _made_of(root, run, declaration.value(context))
    assert isinstance(declaration, Find | FindEach), "the rest is refused where it is compiled"  # noqa: S101
    targets: Sequence[Target | Exception | None]
    try:
        arguments = root.called.arguments(run.variables)
        if isinstance(declaration, FindEach):
            targets = declaration.targets(context, arguments)
        else:
            targets = [declaration.target(context, arguments)]
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the field's
        return run.fail(error)
    found = await _find(root, run, targets)
    return found if isinstance(declaration, FindEach) else found[0]


def _opened(plan: Plan, open_reader: Open) -> AbstractAsyncContextManager[Reader | None]:
    """Open a reader, where anything is to be read."""
    return open_reader(plan.reads == 1) if plan.reads else nullcontext()


async def _perform(
    root: Root, run: Run, opened: Callable[[], AbstractAsyncContextManager[Reader | None]], context: Any
) -> Any:
    """Do what one field of the mutation is to do, and read its payload."""
    declaration = root.declaration
    if declaration is None or root.called is None:
        return root.constant
    assert isinstance(declaration, Perform), "the rest is refused where it is compiled"  # noqa: S101
    try:
        done = await declaration.call(context, root.called.arguments(run.variables))
        async with opened() as run.reader:
            return await _made_of(root, run, done)
    except Exception as error:  # noqa: BLE001 - what was done stays done: the error is this field's alone
        return run.fail(error)


async def _made_of(root: Root, run: Run, value: Any) -> Any:
    plan = root.asked.beneath
    assert isinstance(plan, ObjectPlan), "it has fields"  # noqa: S101 - by validation
    (made,) = await steps.held(run, plan, [value])
    return made


async def _read_page(root: Root, run: Run) -> Any:
    assert root.fetch is not None and isinstance(root.asked.beneath, PagePlan)  # noqa: S101, PT018 - as compiled
    (window,) = run.windows(root.fetch)[:1]
    if isinstance(window, Failure):
        return window
    (page,) = await steps.read_pages(run, root.fetch, root.asked.beneath, [""], window)
    return page


async def _find(root: Root, run: Run, targets: Sequence[Target | Exception | None]) -> list[Any]:
    """Find the rows of some targets, those of a kind together."""
    choice = root.asked.beneath
    assert isinstance(choice, OneOf), "it is known by its type"  # noqa: S101 - as compiled
    found: dict[tuple[str, Any], Made] = {}
    for kind in dict.fromkeys(target.kind for target in targets if isinstance(target, Target)):
        one = choice.plans[kind]
        keys = [target.key for target in targets if isinstance(target, Target) and target.kind == kind]
        for key, made in (await steps.by_key(run, one.fetch, one.plan, keys)).items():
            found[kind, key] = made
            run.kinds[id(made)] = one.plan
    return [
        run.fail(target)
        if isinstance(target, Exception)
        else found.get((target.kind, target.key))
        if target is not None
        else None
        for target in targets
    ]
