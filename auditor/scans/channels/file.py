"""A folder: one Markdown file a notice, with its JSON beside it; sent again, they are the same files."""

from __future__ import annotations

import re
from pathlib import Path

from auditor.errors import UsageError
from auditor.files import reason_of
from auditor.language import say
from auditor.scans.blobs import flush_folder
from auditor.scans.channels import Channel, ChannelError, Letter, Office
from auditor.writing import write_durably

LONGEST = 40  # characters of the operator in a name
SHORT = 16  # figures of the key in a name


def checked(address: str) -> str:
    """Give the folder as an absolute path."""
    try:
        folder = Path(address).expanduser().absolute()
        there = folder.is_dir()
    except (ValueError, RuntimeError):  # a NUL; a home of nobody
        there = False
    if not there:
        raise UsageError(say("{folder}: there is no such folder", folder=address))
    return str(folder)


def name_of(letter: Letter) -> str:
    """Give the name of a letter's files, without their ending: nothing in it leads out of the folder.

    Examples
    --------
    >>> import datetime as dt
    >>> from auditor.language import Text
    >>> at = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
    >>> name_of(Letter("0123456789abcdef", "../某 企业", Text("", ""), "", b"", at))
    '某_企业-0123456789abcdef'
    """
    safe = re.sub(r"[^\w-]+", "_", letter.operator).strip("_-")[:LONGEST]
    return f"{safe or '_'}-{letter.key[:SHORT]}"


def send(_office: Office, letter: Letter, address: str) -> None:
    """Write the files, each whole; the text comes last, so that where it is, all is."""
    folder = Path(checked(address))
    try:
        for left in folder.glob(f"{name_of(letter)}.*.part"):  # of an attempt that broke off
            left.unlink(missing_ok=True)
        for ending, data in ((".json", letter.data), (".md", letter.text.encode())):
            write_durably(folder / f"{name_of(letter)}{ending}", data)
        flush_folder(folder)
    except OSError as error:
        raise ChannelError(
            say("{folder}: cannot be written: {reason}", folder=str(folder), reason=reason_of(error))
        ) from None


CHANNEL = Channel("file", checked, lambda _office: None, send)
