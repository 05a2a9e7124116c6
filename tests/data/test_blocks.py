"""Files cut into blocks: together they are read as the whole file is."""

from __future__ import annotations

import gzip
import hashlib
import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textrep.data.errors import DataError
from textrep.data.readers.blocks import cut_files, digest, open_block
from textrep.data.readers.paths import Asked

TEXTS_ONLY = Asked(label=False)


def read(path, n_bytes, asked=TEXTS_ONLY):
    blocks = cut_files([path], asked, n_bytes)
    return blocks, [text for block in blocks for text, _, _ in open_block(block).documents]


@given(
    st.lists(st.text("ab é文", max_size=9), min_size=1, max_size=30).filter(lambda t: any(t)),
    st.integers(1, 40),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
@settings(max_examples=60)
def test_blocks_of_lines_hold_every_line_once(tmp_path_factory, lines, n_bytes, end, ended):
    path = tmp_path_factory.mktemp("lines") / "lines.txt"
    last = lines[-1] or "x"  # else nobody can tell whether there is a last line
    whole = end.join([*lines[:-1], last]) + (end if ended else "")
    path.write_bytes(whole.encode())
    blocks, texts = read(path, n_bytes)
    assert texts == [*lines[:-1], last]
    assert [block.begin for block in blocks[1:]] == [block.end for block in blocks[:-1]]
    data = path.read_bytes()
    assert all(data[block.begin - 1 : block.begin] == b"\n" for block in blocks[1:])


def test_blocks_of_json_lines_read_the_key_that_the_file_tells(tmp_path):
    path = tmp_path / "reviews.jsonl"
    # in the second half by itself, the other key would look like the texts
    rows = [{"what": f"text number {i}", "kind": "a" if i < 20 else f"k{i}"} for i in range(40)]
    rows[25:] = [{**row, "what": "again"} for row in rows[25:]]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    blocks, texts = read(path, 300)
    assert len(blocks) > 4
    assert texts == [row["what"] for row in rows]


@pytest.mark.parametrize("name", ["rows.csv", "rows.tsv", "rows.jsonl.gz", "rows.txt.gz"])
def test_what_has_no_known_line_ends_is_one_block(tmp_path, name):
    path = tmp_path / name
    rows = [f"row number {i}" for i in range(50)]
    if ".jsonl" in name:
        lines = [json.dumps({"text": row}) for row in rows]
    else:
        lines = rows if ".txt" in name else ["text", *rows]
    data = "\n".join(lines).encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    blocks, texts = read(path, 64)
    assert len(blocks) == 1
    assert texts == rows


def test_labels_that_are_looked_for_keep_a_file_whole(tmp_path):
    path = tmp_path / "reviews.jsonl"
    path.write_text('{"text": "so much", "label": "x"}\n' * 20)
    assert len(cut_files([path], Asked(), 50)) == 1
    assert len(cut_files([path], Asked(label="label"), 50)) > 4


def test_digests_are_of_the_bytes_of_each_block(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_text("".join(f"line {i}\n" for i in range(100)))
    data = path.read_bytes()
    for block in cut_files([path], TEXTS_ONLY, 100):
        assert digest(block) == hashlib.sha256(data[block.begin : block.end]).hexdigest()


def test_an_error_says_from_where_its_line_is_counted(tmp_path):
    path = tmp_path / "lines.jsonl"
    path.write_text('{"text": "so much text"}\n' * 20 + '{"text": 3}\n')
    blocks = cut_files([path], TEXTS_ONLY, 100)
    with pytest.raises(DataError, match=rf"from byte {blocks[-1].begin} of the file"):
        list(open_block(blocks[-1]).documents)
    assert len(list(open_block(blocks[0]).documents)) == len(
        path.read_bytes()[: blocks[0].end].splitlines()
    )


def test_an_empty_or_missing_file_is_refused_before_any_is_read(tmp_path):
    (tmp_path / "empty.txt").touch()
    for name, message in (("empty.txt", "the file is empty"), ("none.txt", "cannot be read")):
        with pytest.raises(DataError, match=message):
            cut_files([tmp_path / name], TEXTS_ONLY, 100)


def test_blocks_are_about_as_large_as_asked_for(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_text("".join(f"line {i}\n" for i in range(1000)))
    sizes = [block.n_bytes for block in cut_files([path], TEXTS_ONLY, 500)]
    assert sum(sizes) == path.stat().st_size
    assert max(sizes) <= 750
    assert all(abs(size - 500) < 10 for size, _ in itertools.pairwise(sizes))
