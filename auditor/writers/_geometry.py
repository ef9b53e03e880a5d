"""What geographic forms draw: nodes as points and links as lines, in WGS84."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

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


def drawn(content: Content) -> tuple[list[Drawn], list[Drawn]]:
    """Give nodes and links as they are drawn; an unknown datum is drawn as it stands.

    A node without place that has a column ``source`` is marked as declared, as links without place have one.
    """
    nodes, links = content.graph
    placed = [node for node in nodes if "lon" in node and "lat" in node]
    lon, lat = to_wgs84(
        [node["lon"] for node in placed],
        [node["lat"] for node in placed],
        [node.get("datum", "unknown") for node in placed] or "unknown",
    )
    at = {node["id"]: (x, y) for node, x, y in zip(placed, lon.tolist(), lat.tolist(), strict=True)}
    return [_node(node, at) for node in nodes], [_link(link, at) for link in links]


def _node(node: dict[str, Any], at: dict[str, Place]) -> Drawn:
    if node["id"] in at:
        return Drawn({**node, "datum": node.get("datum")}, (at[node["id"]],))
    return Drawn({**node, "declared": True} if "source" in node else node, ())


def _link(link: dict[str, Any], at: dict[str, Place]) -> Drawn:
    ends = (link["source"], link["target"])
    return Drawn(link, tuple(at[end] for end in ends) if all(end in at for end in ends) else ())
