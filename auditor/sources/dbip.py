"""Places by DB-IP City Lite, which ships with the package: provinces and cities, IPv4 and IPv6."""

from auditor.language import both
from auditor.sources._embedded import embedded

SOURCE = embedded("dbip", both("DB-IP City Lite (ships with the package)"))
