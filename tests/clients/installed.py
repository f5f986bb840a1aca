"""Where clients are installed: once for each state of the files that pin them."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Final

_INSTALLED: Final = Path(__file__).parents[2] / ".local" / "clients"


async def installed(pins: Iterable[Path], install: Callable[[Path], Awaitable[None]]) -> Path:
    """Return the folder that `install` has filled, now or in an earlier run, by what `pins` say.

    It is given an empty folder, and raises if it cannot.
    """
    texts = b"".join(pin.read_bytes() for pin in pins)
    place = _INSTALLED / hashlib.sha256(texts).hexdigest()[:16]
    if not place.exists():
        _INSTALLED.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=_INSTALLED))
        try:
            await install(made)
            # In one step, so that nobody ever finds half of it.
            made.rename(place)
        except OSError:
            # Somebody else may have been first.
            if not place.exists():
                raise
        finally:
            shutil.rmtree(made, ignore_errors=True)
    return place
