"""Places by DB-IP City Lite, which ships with the package: provinces and cities, IPv4 and IPv6."""

from auditor.findings import Text
from auditor.sources._embedded import embedded

SOURCE = embedded("dbip", Text("DB-IP City Lite (ships with the package)", "DB-IP City Lite（随程序提供）"))
