"""What proves a run: a Merkle root over its items (RFC 6962, section 2.1), signed with a local key.

The signature is DSSE over an in-toto Statement (v1) whose subjects are the results by their digest. It proves
integrity and order, not truth. A verifier believes the key that it was given, never one that an envelope
names.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import uuid
from typing import TYPE_CHECKING, Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from auditor.errors import UsageError
from auditor.files import read_given
from auditor.language import say
from auditor.scans.blobs import flush_folder
from auditor.scans.canonical import canonical, sha256

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PAYLOAD = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://auditor.invalid/run/1"  # a name, no address: nothing is fetched
KEY, PUBLIC = "signing.key", "signing.pub"


# --- the root ---------------------------------------------------------------------------------------------


def leaf(value: Mapping[str, Any]) -> bytes:
    """Hash one leaf: its canonical JSON, apart from inner nodes by a byte (RFC 6962)."""
    return hashlib.sha256(b"\0" + canonical(value).encode()).digest()


def merkle_root(leaves: Sequence[bytes]) -> str:
    """Root of the tree over leaf hashes, in hexadecimal; of no leaves, the hash of nothing.

    Examples
    --------
    >>> merkle_root([])[:8]
    'e3b0c442'
    """
    return (_subtree(leaves) if leaves else hashlib.sha256(b"").digest()).hex()


def _subtree(leaves: Sequence[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + _subtree(leaves[:split]) + _subtree(leaves[split:])).digest()


# --- the signature ----------------------------------------------------------------------------------------


def signing_key(folder: Path, given: Path | None = None) -> Ed25519PrivateKey:
    """Read the signing key, or make one where there is none yet.

    Parameters
    ----------
    folder
        Where the store keeps its own: ``signing.key``, readable by its owner alone, and ``signing.pub``.
    given
        A key of PEM that a person names instead.

    Raises
    ------
    UsageError
        It cannot be read, or is no Ed25519 key.
    """
    place = given or folder / KEY
    if given is None and not place.exists():
        _make_key(folder)
    try:
        key = serialization.load_pem_private_key(read_given(place), password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(say("{file}: is no Ed25519 private key in PEM", file=str(place)))
    if given is None and not (folder / PUBLIC).exists():
        with contextlib.suppress(FileExistsError):
            _put(folder / PUBLIC, public_pem(key), 0o644)
    return key


def _make_key(folder: Path) -> None:
    """Write a new key, whole or not at all; where two make one at once, the first stays."""
    key = Ed25519PrivateKey.generate()
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        _put(folder / KEY, pem, 0o600)


def _put(place: Path, data: bytes, mode: int) -> None:
    """Write a file whole or not at all; one that is there already stays."""
    part = place.with_name(f"{place.name}.{uuid.uuid4().hex}")
    try:
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(part, place)
        flush_folder(place.parent)
    finally:
        part.unlink()


def public_pem(key: Ed25519PrivateKey) -> bytes:
    """Public half of a key, in PEM: what is given to whoever verifies."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form)


def public_key(path: Path) -> Ed25519PublicKey:
    """Read a public key of PEM.

    Raises
    ------
    UsageError
        It cannot be read, or is no Ed25519 key.
    """
    try:
        key = serialization.load_pem_public_key(read_given(path))
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(say("{file}: is no Ed25519 public key in PEM", file=str(path)))
    return key


def key_id(key: Ed25519PublicKey) -> str:
    """SHA-256 of the raw public key: how envelopes name it."""
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return sha256(raw)


def statement(subjects: Mapping[str, str], predicate: Mapping[str, Any]) -> dict[str, Any]:
    """Give an in-toto Statement: names with their digests, and what is said of them."""
    listed = [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(subjects.items())]
    return {"_type": STATEMENT, "subject": listed, "predicateType": PREDICATE, "predicate": dict(predicate)}


def sign(key: Ed25519PrivateKey, said: Mapping[str, Any]) -> str:
    """Sign a statement: a DSSE envelope as canonical JSON."""
    payload = canonical(said).encode()
    signature = {"keyid": key_id(key.public_key()), "sig": _text(key.sign(_encoded(payload)))}
    return canonical({"payload": _text(payload), "payloadType": PAYLOAD, "signatures": [signature]})


def opened(envelope: str, key: Ed25519PublicKey) -> dict[str, Any] | None:
    """Give the statement of an envelope, if this key signed it as it stands.

    Nothing else is believed: neither a key that the envelope names, nor what it holds beside the signed part.
    """
    try:
        values = orjson.loads(envelope)
        payload = base64.b64decode(values["payload"], validate=True)
        signature = base64.b64decode(values["signatures"][0]["sig"], validate=True)
        key.verify(signature, _encoded(payload))
        said: dict[str, Any] = orjson.loads(payload)
    except (ValueError, KeyError, IndexError, TypeError, InvalidSignature):
        return None
    wanted = {"keyid": key_id(key), "sig": _text(signature)}
    plain = {"payload": _text(payload), "payloadType": PAYLOAD, "signatures": [wanted]}
    return said if canonical(plain) == envelope else None


def _encoded(payload: bytes) -> bytes:
    """Pre-authentication encoding of DSSE (secure-systems-lab/dsse, protocol v1)."""
    return b" ".join(
        [b"DSSEv1", str(len(PAYLOAD)).encode(), PAYLOAD.encode(), str(len(payload)).encode(), payload]
    )


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
