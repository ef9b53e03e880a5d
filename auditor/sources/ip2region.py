"""Places and network operators by ip2region, which ships with the package: IPv4 alone."""

from auditor.asking import Source
from auditor.findings import Text
from auditor.sources._embedded import asker, provenance

SOURCE = Source(
    name="ip2region",
    title=Text("ip2region (ships with the package)", "ip2region（随程序提供）"),
    online=False,
    ask=asker("ip2region"),
    provenance=provenance("ip2region"),
)
