"""The program of a room's benchmark: its sections by name, from files beside it."""

from __future__ import annotations

import argparse
import functools
import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness import Row, machine_name, parse_options, run_sections

Sections = Mapping[str, tuple[str, str]]
"""Section -> file and generator in it."""


def run_room(title: str, description: str, sections: Sections, needs: str) -> None:
    """Run the sections that the command line asks for, and end with 1 if one failed.

    Parameters
    ----------
    title : str
        Of the tables, and the name of the file without its suffix.
    description : str
        Help of the command.
    sections : mapping of str to (str, str)
    needs : str
        Folder that must be among the data sets.
    """
    extra = argparse.ArgumentParser(add_help=False)
    extra.add_argument("--only", help="sections, with commas between (all)")
    extra.add_argument("--device", default="cpu", help="cpu (default), cuda or auto")
    extra.add_argument("--pictures", type=Path, help="folder for what is to be looked at")
    options = parse_options(description, [extra])
    if options.pictures is not None:
        os.environ["TEXTREP_PICTURES"] = str(options.pictures.resolve())
    data = Path(os.environ.get("TEXTREP_DATA", ""))
    if not (data / needs).is_dir():
        sys.exit(f"{title}.py needs the data sets in the folder of --data or TEXTREP_DATA")
    chosen = options.only.split(",") if options.only else list(sections)
    if unknown := sorted(set(chosen) - set(sections)):
        sys.exit(f"--only: no section {unknown[0]!r}; there are {', '.join(sections)}")
    picked = {
        name: functools.partial(_run, *sections[name], data, options.quick, options.device)
        for name in chosen
    }
    if failed := run_sections(title, picked, options.json):
        sys.exit(f"{title}: {', '.join(failed)} failed")


def _run(module: str, name: str, data: Path, quick: bool, device: str) -> Iterator[Row]:
    """Rows of a section; its file is imported only now, so that a broken one costs no other."""
    found = getattr(importlib.import_module(module), name)
    yield from found(data=data, quick=quick, device=device, machine=machine_name())
