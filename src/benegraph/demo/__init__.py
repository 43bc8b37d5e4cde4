"""Generate synthetic benefits data: the demo's three tenants, and load-test tenants of any size.

Two functions write to a database. `fill_demo_tenants` fills the demo's tenants once, for `benegraph serve --demo`.
`seed_tenant` adds a given number of employees to one tenant, for `benegraph seed`. The same seed on the same day
generates the same rows, because each random source is seeded with words (`random_source`). On another day the dates
differ, and so do the rows that depend on them; but a row that exists on both days has the same ID, and a person the
same name (`RecordBuffer.new_id`).

A tenant is generated in these steps:

1. `shared_records` generates the records that all employers of the tenant share: the benefit products with their
   carrier plans (`catalog`), and the administrator who made every change.
2. `employers.generate_employer` generates one employer from its `EmployerProfile`:
   a. `plan_years` generates last year's, this year's and possibly next year's plan years, with contributions and plans.
   b. `employee_timeline` draws a timeline for each employee: hire, termination, and a life event (`people` draws the
      person, `life_event_timeline` the event). At one employer of each tenant, the first employees come from
      `sample_people`, so that every enrollment state exists.
   c. `enrollment_simulation` and `life_event_simulation` run the timelines as scheduled actions of an `event_queue`:
      issue, elect, renew, reissue, terminate. They apply the same domain rules as the services.
   d. `carrier_simulation` generates the carrier's side: group contracts (`carrier_groups`), the coverage of record that
      follows the elections (`coverage_of_record`), and invoices with their payments (`invoice_timeline`, `invoices`).
3. Every row, and the history event that a service would have written for it, goes into a `RecordBuffer`.
   `bulk_insert` writes the buffers with one statement for each table.

Everything generated happened before today; see `times_of_day`.
"""

from benegraph.demo.demo_tenants import TENANTS, DemoIds, NotADemoTenant, fill_demo_tenants
from benegraph.demo.seeding import seed_tenant
from benegraph.demo.times_of_day import reference_date

__all__ = ["TENANTS", "DemoIds", "NotADemoTenant", "fill_demo_tenants", "reference_date", "seed_tenant"]
