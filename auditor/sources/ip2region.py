"""Places and network operators by ip2region, which ships with the package: IPv4 alone."""

from auditor.findings import Text
from auditor.sources._embedded import embedded

SOURCE = embedded("ip2region", Text("ip2region (ships with the package)", "ip2region（随程序提供）"))
