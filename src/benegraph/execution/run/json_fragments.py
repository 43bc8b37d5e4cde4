"""Fields that the host renders as JSON text: fill in their placeholders and split the text into fragments."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benegraph.execution.plan.declarations import UnsupportedOperation
from benegraph.execution.plan.failures import FieldFailure
from benegraph.execution.plan.operation import Execution, KeyLookup, Statement
from benegraph.execution.plan.rows import (
    FORBIDDEN_NULL,
    GROUP_DELIMITER,
    ITEM_SEPARATOR,
    JSON_NULL,
    TEXT_SEPARATOR,
    JsonFragment,
)
from benegraph.execution.run.objects import load_by_key


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A placeholder in JSON text: its character, how to look up the objects that replace it, and their nullability."""

    character: str
    lookup: KeyLookup
    is_non_null: bool


@dataclass(slots=True, eq=False)
class JsonFragmentStep:
    """A field with JSON text as its values; `serialize` renders the objects that replace placeholders.

    Where the field is itself a page, `own_page` is its statement and its index there: an error in its arguments can be
    reported, as nothing around the field is JSON text.
    """

    response_name: str
    placeholders: list[Placeholder]
    serialize: Callable[[Any], str]
    own_page: tuple[Statement, int] | None = None

    async def resolve(self, execution: Execution, _rows: Sequence[Any], values: Sequence[Any]) -> Sequence[Any]:
        """Return a fragment for each text, and None for None. Raises UnsupportedOperation for a forbidden null."""
        if self.own_page is not None:
            statement, index = self.own_page
            page = execution.page_requests(statement)[index]
            if isinstance(page, FieldFailure):
                return [page] * len(values)
        non_null = [value for value in values if value is not None]
        text = TEXT_SEPARATOR.join(non_null)
        if FORBIDDEN_NULL in text:
            raise UnsupportedOperation("null")
        if self.placeholders:
            text = await self._fill(execution, text)
        texts = iter(text.split(TEXT_SEPARATOR) if len(non_null) > 1 else [text])
        return [None if value is None else JsonFragment(next(texts)) for value in values]

    async def _fill(self, execution: Execution, text: str) -> str:
        """Replace all placeholders. Equal groups of placeholders are filled once."""
        parts = text.split(GROUP_DELIMITER)
        groups = {group: group.split(ITEM_SEPARATOR) for group in dict.fromkeys(parts[1::2])}
        keys: dict[str, list[str]] = {placeholder.character: [] for placeholder in self.placeholders}
        for item in dict.fromkeys(item for items in groups.values() for item in items[::2]):
            if item != JSON_NULL:
                keys[item[0]].append(item[1:])
        replacements = {JSON_NULL: JSON_NULL}
        for placeholder in self.placeholders:
            had_errors, execution.has_errors = execution.has_errors, False
            placeholder_keys = keys[placeholder.character]
            loaded = await load_by_key(execution, placeholder.lookup, placeholder_keys)
            if execution.has_errors or (placeholder.is_non_null and len(loaded) < len(placeholder_keys)):
                raise UnsupportedOperation("null")  # text around the placeholder can no longer become null
            execution.has_errors = had_errors
            for key in placeholder_keys:
                replacements[placeholder.character + key] = self.serialize(loaded.get(key))
        for items in groups.values():
            items[::2] = [replacements[item] for item in items[::2]]
        filled = {group: "".join(items) for group, items in groups.items()}
        parts[1::2] = [filled[group] for group in parts[1::2]]
        return "".join(parts)
