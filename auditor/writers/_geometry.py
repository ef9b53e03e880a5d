"""What geographic forms draw: nodes as points and links as lines, in WGS84."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from auditor.columns import DECLARED
from auditor.datum import to_wgs84

if TYPE_CHECKING:
    from auditor.writers._content import Content

    Place: TypeAlias = tuple[float, float]


class Drawn(NamedTuple):
    """A node or a link with what is drawn for it.

    Parameters
    ----------
    columns
        Its cells; a placed node without datum has a blank one, which says that it is unknown.
    places
        Longitude and latitude of the node, or of both ends of the link; empty where one is unknown.
    """

    columns: dict[str, Any]
    places: tuple[Place, ...]


def drawn(content: Content, *, marked: bool = True) -> tuple[list[Drawn], list[Drawn]]:
    """Give nodes and links as they are drawn; an unknown datum is drawn as it stands.

    Parameters
    ----------
    content
        Nodes and links.
    marked
        Whether a node without place that has a column ``source`` is marked as declared, since in forms that
        keep nodes and links in one list a link without place is told by that column.
    """
    nodes, links = content.graph
    placed = [node for node in nodes if "lon" in node and "lat" in node]
    lon, lat = to_wgs84(
        [node["lon"] for node in placed],
        [node["lat"] for node in placed],
        [node.get("datum", "unknown") for node in placed] or "unknown",
    )
    at = {node["id"]: (x, y) for node, x, y in zip(placed, lon.tolist(), lat.tolist(), strict=True)}
    return [_node(node, at, marked=marked) for node in nodes], [_link(link, at) for link in links]


def _node(node: dict[str, Any], at: dict[str, Place], *, marked: bool) -> Drawn:
    if node["id"] in at:
        return Drawn({**node, "datum": node.get("datum")}, (at[node["id"]],))
    return Drawn({**node, DECLARED: True} if marked and "source" in node else node, ())


def _link(link: dict[str, Any], at: dict[str, Place]) -> Drawn:
    ends = (link["source"], link["target"])
    return Drawn(link, tuple(at[end] for end in ends) if all(end in at for end in ends) else ())
