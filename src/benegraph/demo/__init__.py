"""Made-up people: the demo's three tenants, and tenants of any size to measure by."""

from benegraph.demo.demo_tenants import TENANTS, DemoHandles, NotTheDemo, fill
from benegraph.demo.seeding import seed

__all__ = ["TENANTS", "DemoHandles", "NotTheDemo", "fill", "seed"]
