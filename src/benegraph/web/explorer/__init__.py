"""GraphiQL, served by us: what npm makes it of, the making, and the page with how it opens."""

from benegraph.web.explorer.config import ExplorerConfig, Persona, Tab
from benegraph.web.explorer.views import Explorer

__all__ = ["Explorer", "ExplorerConfig", "Persona", "Tab"]
