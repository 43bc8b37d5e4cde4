"""Carrier plans of an office's product by their codes: their IDs, and retiring them."""

from benegraph.services import catalog
from factories.office import Office


async def carrier_plan_id(office: Office, code: str) -> str:
    plans = (await office.read_all_rows())["carrier_plans"].values()
    (id,) = [plan["id"] for plan in plans if plan["carrier_plan_id"] == code]
    return str(id)


async def retire_plan(office: Office, code: str, reason: str | None = None) -> None:
    await office.run(catalog.retire_carrier_plan, await carrier_plan_id(office, code), reason, None)


async def offered_codes(office: Office, plan_year: str) -> list[str]:
    return list(await office.plan_ids(plan_year))
