"""Places and network operators by ip2region, which ships with the package: IPv4 alone."""

from auditor.language import both
from auditor.sources._embedded import embedded

SOURCE = embedded("ip2region", both("ip2region (ships with the package)"))
