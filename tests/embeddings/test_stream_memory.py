"""Streams take no more memory the longer they are, in the kernels' arrays too."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_a_stream_ten_times_as_long_takes_no_more_memory(checkout):
    # The 36 MB that the longer one has more come to 18 MB of numbered words: neither must show.
    script = checkout / "tests" / "embeddings" / "stream_memory.py"
    found = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    growth = json.loads(found.stdout)
    assert growth.keys() == {"Word2Vec", "CountVectorizer"}
    assert max(growth.values()) < 8, growth
