"""The table of answers says everything, in words that the page explains."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.answers import Answer, rows_of

RIGHT = "right: {when: All., answer: {status: 200, flow: COMPLETE, type: VIEW}, session: ended}\n"
EVERY = """
over: {when: Late., answer: {status: 410, says: FE-41001}, session: expired}
late: {when: Later., as: right}
repeated: {when: Again., as: right}
out_of_order: {when: Before., answer: {status: 409, says: FE-40901}, session: as it was}
elsewhere: {when: There., as: right}
other_tenant: {when: Theirs., answer: {status: 404, says: FE-40401}, session: as it was}
"""
WRONG = "wrong: {when: None., answer: {status: 400, says: FE-40004}, session: as it was}\n"


def written(folder: Path, own: str) -> Path:
    (folder / "every.yaml").write_text(EVERY)
    (folder / "node.yaml").write_text(own)
    return folder


def test_what_holds_for_all_is_taken_from_the_right_answer_of_each(tmp_path: Path) -> None:
    rows = rows_of("node", written(tmp_path, RIGHT + WRONG))
    by = {row.situation: row for row in rows}
    assert (by["late"].when, by["late"].answer) == ("Later.", by["right"].answer)
    assert by["late"].session == "ended"
    assert by["over"].answer == Answer(status=410, says="FE-41001")


def test_rows_of_a_types_own_come_last(tmp_path: Path) -> None:
    more = "declined: {when: No., as: right}\n"
    rows = rows_of("node", written(tmp_path, more + RIGHT + WRONG))
    assert rows[-1].situation == "declined"


def test_a_situation_that_nothing_is_said_about_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="node: nothing says what is answered in: wrong"):
        rows_of("node", written(tmp_path, RIGHT))


def test_a_session_is_left_as_the_page_explains(tmp_path: Path) -> None:
    odd = WRONG.replace("as it was", "in shreds")
    with pytest.raises(ValueError, match="node, wrong: no session is left `in shreds`"):
        rows_of("node", written(tmp_path, RIGHT + odd))


def test_a_type_without_a_file_is_found_out(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"ghost\.yaml is missing"):
        rows_of("ghost", written(tmp_path, RIGHT))
