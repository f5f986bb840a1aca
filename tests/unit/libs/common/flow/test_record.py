"""Entries of a step log, as they are stored and read back."""

from __future__ import annotations

import msgspec
import pytest

from libs.common.flow.model import FlowType
from libs.common.flow.record import Answered, Entry, Head, Learned, Masked, Passage, decode

ANSWER = Answered(
    "LoadUser", True, {"role": "admin", "roles": ("a", "b"), "nick": Masked("string")}
)
PASSAGE = Passage("ask", "leave", "success", Learned(inputs=("email",)), (ANSWER,), ("post-login",))
WHOLE = Entry(
    revision=1,
    at=1_790_000_000,
    passages=(PASSAGE, Passage("done", "fail")),
    action="submit",
    inputs=("email",),
    message="form.invalid",
    errors=(("email", "field.email"),),
    asked=(ANSWER,),
    broken=("two-factors",),
    client={"name": "shop", "scopes": Masked("list"), "limit": 7.5, "nothing": None},
    head=Head(
        "0" * 64,
        "flow_main",
        3,
        FlowType.LOGIN,
        1,
        2,
        Learned(
            identifier=False,
            forgot=True,
            attributes={"mark": Masked("string"), "yes": True},
            dropped=(("staged", "email"),),
        ),
        planned={4: False, 7: None},
    ),
)


@pytest.mark.parametrize("entry", [WHOLE, Entry(2, 0, ())])
def test_an_entry_is_read_as_it_was_written(entry: Entry) -> None:
    assert decode(msgspec.msgpack.encode(entry)) == entry


def test_what_nobody_learned_is_told_from_what_taught_nothing_new() -> None:
    written = (Passage("set", "leave", "success"), Passage("set", "leave", "success", Learned()))
    read = decode(msgspec.msgpack.encode(Entry(1, 0, written)))
    assert [passage.learned for passage in read.passages] == [None, Learned()]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        msgspec.msgpack.encode(Entry(1, 0, (PASSAGE,)))[:-1],
        msgspec.msgpack.encode((1, 0, (("ask", "flies"),))),
        msgspec.msgpack.encode((1, 0)),
    ],
)
def test_what_is_no_entry_is_refused(data: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode(data)
