"""Ways in which a file is damaged by accident, or changed by somebody who means harm.

Every one is a function of what it is given and of a seeded `random.Random`, so that a case can be
made again from its number.
"""

from __future__ import annotations

import copy
import gzip
import hashlib
import io
import json
import os
import pickle
import random
import re
import struct
import zipfile
from collections.abc import Callable
from typing import Any

CANARY = "textrep-canary"
"""Name of the folder that appears in the current one when a pickle is run."""


class _Canary:
    def __reduce__(self) -> Any:
        return os.mkdir, (CANARY,)


PAYLOAD = pickle.dumps(_Canary())
"""A pickle that gives itself away when it is loaded."""

_SPECIAL = (
    *(b"\0", b"\xff" * 8, b"\n", b"\r", b'"', b" ", b"\t", b"{", b"[" * 3000, b"]"),
    b"\xef\xbb\xbf",
    *(b"\xff\xfe", b"\xed\xa0\x80", b"NaN", b"-inf", b"1e999", b"-1", b"9" * 5000, b"0" * 200),
    *(b"../../x", b"/etc/passwd", b"\x1b[2J", b"\x1f\x8b\x08", b"PK\x03\x04", PAYLOAD),
)
_NUMBERS = (b"-1", b"0", b"99999999999999999999", b"1e400", b"nan", b"2147483648", b"0.1", b"")
_EXTREMES = (0, 1, 2**7, 2**15 - 1, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 10**30, 2**31, 0.5, 1e308, float("nan"), "", "x", "\ud800"),
    *("os.system", "a0", [], {}, [[]], [None] * 3, {"$": "eval", "code": "1"}, "9" * 300),
    *({"$": "array", "name": "a0", "order": "C"}, {"$": "tuple", "items": [1, 2]}),
    *({"$": "int", "hex": "0x" + "f" * 40}, {"$": "dtype", "text": "<f8"}),
)
_NAMES = ("../up", "/abs", "a/../../b", "x" * 300, "", "c:\\d", "é\n")


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Bytes with one to three faults.

    Parameters
    ----------
    data : bytes
    rng : random.Random

    Returns
    -------
    bytes
        They may be the same, where two faults undo each other.
    """
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        rng.choice(_MUTATORS)(changed, rng)
    return bytes(changed)


def _flip(data: bytearray, rng: random.Random) -> None:
    for _ in range(min(len(data), rng.choice((1, 1, 4)))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _overwrite(data: bytearray, rng: random.Random) -> None:
    for at in range(*sorted(_place(data, rng) for _ in range(2)))[: rng.choice((1, 4, 30))]:
        data[at] = rng.randrange(256)


def _truncate(data: bytearray, rng: random.Random) -> None:
    del data[_place(data, rng) :]


def _cut(data: bytearray, rng: random.Random) -> None:
    start = _place(data, rng)
    del data[start : start + rng.choice((1, 2, 8, 100))]


def _repeat(data: bytearray, rng: random.Random) -> None:
    start = _place(data, rng)
    piece = data[start : start + rng.choice((1, 8, 64, 512))]
    data[start:start] = piece * rng.choice((1, 2, 50))


def _insert(data: bytearray, rng: random.Random) -> None:
    at = _place(data, rng)
    data[at:at] = rng.choice(_SPECIAL)


def _length(data: bytearray, rng: random.Random) -> None:
    """An extreme number where a length may stand."""
    size, layout = rng.choice(((1, "B"), (2, "H"), (4, "I"), (8, "Q")))
    if len(data) >= size:
        at = rng.randrange(len(data) - size + 1)
        number = rng.choice(_EXTREMES) % (1 << (8 * size))
        struct.pack_into(rng.choice("<>") + layout, data, at, number)


def _number(data: bytearray, rng: random.Random) -> None:
    """Another number in place of one that is written out."""
    found = list(re.finditer(rb"-?\d+(?:\.\d+)?", bytes(data)))
    if found:
        match = rng.choice(found)
        data[match.start() : match.end()] = rng.choice(_NUMBERS)


def _splice(data: bytearray, rng: random.Random) -> None:
    """A piece copied over another place."""
    start, target = _place(data, rng), _place(data, rng)
    piece = data[start : start + rng.choice((4, 16, 100))]
    data[target : target + len(piece)] = piece


def _place(data: bytearray, rng: random.Random) -> int:
    # Formats have at their beginning, and some at their end, what everything else hangs on.
    edge = rng.random()
    most = min(len(data), 64) if edge < 0.4 else len(data)
    at = rng.randrange(most + 1)
    return len(data) - at if 0.4 <= edge < 0.5 else at


_MUTATORS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    *(_flip, _overwrite, _truncate, _cut, _repeat, _insert, _length, _number, _splice),
)


def mutated_tree(tree: Any, rng: random.Random) -> Any:
    """A JSON value with another value, a missing key or two values swapped somewhere in it."""
    tree = copy.deepcopy(tree)
    places = _places(tree)
    if not places:
        return rng.choice(_VALUES)
    holder, key = rng.choice(places)
    kind = rng.random()
    if kind < 0.2:
        del holder[key]
    elif kind < 0.35:
        other, its = rng.choice(places)
        holder[key], other[its] = copy.deepcopy(other[its]), copy.deepcopy(holder[key])
    elif kind < 0.45 and type(holder[key]) is int:
        holder[key] *= rng.choice((-1, 2, 1000, 10**6, 10**12))
    else:
        holder[key] = copy.deepcopy(rng.choice(_VALUES))
    return tree


def _places(tree: Any) -> list[tuple[Any, Any]]:
    waiting, found = [tree], []
    while waiting:
        value = waiting.pop()
        keys = list(value) if isinstance(value, dict) else range(len(value))
        for key in keys:
            found.append((value, key))
            if isinstance(value[key], dict | list):
                waiting.append(value[key])
    return found


def mutated_json(data: bytes, rng: random.Random) -> bytes:
    """JSON whose tree is mutated, or whose bytes are."""
    if rng.random() < 0.3:
        return mutated(data, rng)
    return json.dumps(mutated_tree(json.loads(data), rng)).encode()


def mutated_lines(data: bytes, rng: random.Random) -> bytes:
    """JSON Lines of which one is mutated."""
    lines = data.splitlines(keepends=True)
    at = rng.randrange(len(lines))
    lines[at] = mutated_json(lines[at], rng) + b"\n"
    return b"".join(lines)


def mutated_gzip(data: bytes, rng: random.Random) -> bytes:
    """A gzip file whose contents are mutated, so that its checksum fits, or whose bytes are."""
    if rng.random() < 0.5:
        return mutated(data, rng)
    return gzip.compress(mutated(gzip.decompress(data), rng), 1)


def mutated_zip(data: bytes, rng: random.Random) -> bytes:
    """A zip file of which one member, a name or the bytes are mutated."""
    if rng.random() < 0.4:
        return mutated(data, rng)
    members = members_of(data)
    name = rng.choice(sorted(members))
    if rng.random() < 0.3:
        members[rng.choice(_NAMES)] = members[name]
    else:
        members[name] = mutated(members[name], rng)
    return zip_of(members)


def mutated_model(data: bytes, rng: random.Random) -> bytes:
    """A model file that is signed anew, as by somebody who knows how: its tree, arrays or parts
    are mutated; or one that is not, whose bytes are.
    """
    kind = rng.random()
    if kind < 0.15:
        return mutated(data, rng)
    members = members_of(data)
    if kind < 0.25:
        members["manifest.json"] = mutated_json(members["manifest.json"], rng)
        return zip_of(members)
    others = [name for name in sorted(members) if name not in ("manifest.json", "model.json")]
    if kind < 0.7 or not others:
        members["model.json"] = mutated_json(members["model.json"], rng)
    else:
        name = rng.choice(others)
        change = mutated_zip if name.endswith(".skops") else mutated
        members[name] = change(members[name], rng)
    return zip_of(signed(members))


def signed(members: dict[str, bytes]) -> dict[str, bytes]:
    """Members of a model file with a manifest that agrees with them."""
    manifest = json.loads(members["manifest.json"])
    manifest["members"] = {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in members.items()
        if name != "manifest.json"
    }
    return {**members, "manifest.json": json.dumps(manifest).encode()}


def members_of(data: bytes) -> dict[str, bytes]:
    """The members of a zip file by name."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zip_of(members: dict[str, bytes]) -> bytes:
    """A zip file, not compressed."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return made.getvalue()
