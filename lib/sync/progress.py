"""How far a copy is, and how long it will take: a bar on standard error, where that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing

from tqdm import tqdm

from lib.sync.source import Batch, Source


def announce(what: str) -> None:
    """Say what is done now, which the bar does not show."""
    if sys.stderr.isatty():
        print(f"{what} ...", file=sys.stderr)


def shown(source: Source) -> Iterator[Batch]:
    """The batches of ``source``, with a bar that goes along."""
    with (
        closing(source.batches()) as batches,
        tqdm(
            desc=source.name,
            unit=source.unit,
            unit_scale=True,
            file=sys.stderr,
            disable=not sys.stderr.isatty(),
            dynamic_ncols=True,
        ) as bar,
    ):
        for batch in batches:
            bar.total = source.total
            bar.update(batch.done)
            yield batch
