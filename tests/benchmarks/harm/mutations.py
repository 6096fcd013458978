"""Files with something wrong in them, each from a seed of its own."""

import json
from typing import Any

import numpy as np

from rnncli.files import checksummed
from rnncli.model import card_file

FOREIGN = (
    *(
        b"\x89PNG\r\n\x1a\n",
        b"PK\x03\x04",
        b"\x80\x04\x95",
        b"PAR1",
        b"ARROW1\0\0",
        b"\x1f\x8b\x08\0",
        b"\x28\xb5\x2f\xfd",
    ),
    *(b"\x7fELF", b"%PDF-1.7\n", b"\xff\xfe", b"\xef\xbb\xbf", b"{", b"[", b"SQLite format 3\0", b"\xd0\xcf\x11\xe0"),
)
HOSTILE: tuple[Any, ...] = (
    *(
        None,
        True,
        -1,
        0,
        1,
        2**31,
        2**53,
        2**63,
        10**30,
        1e308,
        -1e-308,
        float("nan"),
        float("inf"),
        "",
        "\0",
        "x" * 100_000,
    ),
    *([], {}, [[]], [None] * 1000, {"a": 1}, [0] * 100_000, "'; import os", "../../etc/passwd", "\ud800", "9" * 5000),
    *("h", "D", "W-MON", "log", "transformer", "esn", "recursive", "global", "cycle"),
)
WORDS = (
    *(
        b"",
        b"nan",
        b"inf",
        b"-1e400",
        b"1e308",
        b"9" * 400,
        b"0x10",
        b"1_000",
        b"1,5",
        b"\0",
        b"\xff",
        b"\xc3\xa9",
        b"'",
    ),
    *(
        b'"',
        b'""',
        b"\r",
        b"\n",
        b"\r\n",
        b"\t",
        b";",
        b"|",
        b"2024-13-45",
        b"0001-01-01",
        b"9999-12-31",
        b"2262-04-12",
    ),
    *(b"1970-01-01T00:00:00Z", b"2024-01-01T00:00:00+25:00", b"NaT", b"null", b"true", b"{}", b"[1]", b"=1+1", b"-"),
    *(b"\\u0000", b"\\ud800", b"1e-320", b"99999999999999999999", b"12:00", b"Infinity", b"y", b"ds", b"unique_id"),
    *(b'"\\ud800"', b'"y"', b'"ds"', b'{"ds"', b"1}", b"1e999", b"1" * 5000),
)


def mutated_bytes(content: bytes, chance: np.random.Generator) -> bytes:
    """Bits that flipped, bytes that are missing, came twice or are another file's."""
    data, length = bytearray(content), len(content)
    place = int(chance.integers(length)) if chance.random() < 0.5 else int(chance.integers(min(length, 300)))
    size = min(int(2 ** chance.uniform(0, 12)), length - place)
    match int(chance.integers(8)):
        case 0 | 1:
            for spot in chance.integers(place, length, int(2 ** chance.uniform(0, 6))):
                data[spot] ^= 1 << int(chance.integers(8))
        case 2:
            del data[place:]
        case 3:
            del data[place : place + size]
        case 4:
            data[place:place] = data[place : place + size] * int(chance.integers(1, 4))
        case 5:
            data[place : place + size] = chance.bytes(size) if chance.random() < 0.5 else bytes(size)
        case 6:
            head = FOREIGN[int(chance.integers(len(FOREIGN)))]
            data[: len(head) if chance.random() < 0.5 else 0] = head
        case _:
            data += chance.bytes(size)
    return bytes(data) if data != content else mutated_bytes(content, chance)  # zeros in the place of zeros


def mutated_text(content: bytes, chance: np.random.Generator) -> bytes:
    """Cells, lines and characters of a text that are others."""
    lines = content.split(b"\n")
    for _ in range(int(2 ** chance.uniform(0, 4))):
        number = int(chance.integers(len(lines))) if chance.random() < 0.9 else 0
        word = WORDS[int(chance.integers(len(WORDS)))]
        between = b"," if b"," in lines[number] else b":"
        cells = lines[number].split(between)
        place = int(chance.integers(len(cells)))
        match int(chance.integers(6)):
            case 0 | 1:
                cells[place] = word
            case 2:
                cells.insert(place, word)
            case 3:
                del cells[place]
            case 4:
                cells[place] += word
            case _:
                cells, other = lines[int(chance.integers(len(lines)))].split(between), number
                lines[other] = lines[number]
        lines[number] = between.join(cells)
    return b"\n".join(lines)


def hostile_model(content: bytes, chance: np.random.Generator) -> bytes:
    """A model file as somebody would make it who means harm: whole as a file, and wrong in what it says."""
    length = int.from_bytes(content[:8], "little")
    header, weights = json.loads(content[8 : 8 + length]), content[8 + length :]
    match int(chance.integers(6)):
        case 0:
            sizes = (0, 1, 8, 10**8, 2**31, 2**40, 2**63, 2**64 - 1, len(content), length + int(chance.integers(-9, 9)))
            return (int(chance.choice(np.array(sizes, dtype=object))) % 2**64).to_bytes(8, "little") + content[8:]
        case 1:
            names = [name for name in header if name != "__metadata__"]
            _alter(header, names[int(chance.integers(len(names)))], chance)
        case 2:
            depth = int(chance.integers(10, 200_000))
            text = "[" * depth + "]" * depth if chance.random() < 0.5 else '{"a":' * depth + "1" + "}" * depth
            header["__metadata__"][card_file.KEY] = checksummed.with_placeholder(text)
        case 3:
            weights = chance.bytes(len(weights))
        case _:
            said = json.loads(header["__metadata__"][card_file.KEY][checksummed.CHECKSUM_LENGTH :])
            for _ in range(int(2 ** chance.uniform(0, 3))):
                _alter_within(said, chance)
            header["__metadata__"][card_file.KEY] = checksummed.with_placeholder(json.dumps(said))
    whole = json.dumps(header).encode()
    return checksummed.with_checksum(len(whole).to_bytes(8, "little") + whole + weights)


def _alter_within(tree: Any, chance: np.random.Generator) -> None:
    """One value somewhere in a tree is another."""
    while True:
        keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
        key = keys[int(chance.integers(len(keys)))]
        if isinstance(tree[key], dict | list) and tree[key] and chance.random() < 0.9:
            tree = tree[key]
            continue
        _alter(tree, key, chance)
        return


def _alter(tree: Any, key: Any, chance: np.random.Generator) -> None:
    value = HOSTILE[int(chance.integers(len(HOSTILE)))]
    match int(chance.integers(4)):
        case 0 if isinstance(tree, dict):
            tree[str(value)[:20]] = tree.pop(key)
        case 1 if isinstance(tree[key], int | float) and not isinstance(tree[key], bool):
            tree[key] = tree[key] * int(chance.integers(-3, 1000))
        case 2 if isinstance(tree, list):
            tree *= int(chance.integers(0, 50))
        case _:
            tree[key] = value
