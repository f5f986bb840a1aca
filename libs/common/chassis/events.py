"""The stream of the services' events, as JetStream has to hold it."""

from __future__ import annotations

from typing import Final

from libs.common.chassis.bus import Stream
from libs.common.wire.events import EVENT_SUBJECTS, EVENTS

EVENT_STREAM: Final = Stream(name=EVENTS, subjects=(EVENT_SUBJECTS,))
