"""A program starts, ends and fails as its caller is told."""

import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from deploy.local.process import Failed, Process, Program
from tests.patience import until_so


async def test_a_program_that_ends_early_is_reported_with_the_end_of_its_log(
    tmp_path: Path,
) -> None:
    program = Program(
        name="clumsy",
        command=[sys.executable, "-c", "print('slipped'); raise SystemExit(3)"],
        log=tmp_path / "log",
        lock=tmp_path / "lock",
    )
    (tmp_path / "log").write_text("of an earlier run\n")
    with pytest.raises(Failed) as failure:
        await Process(program, ready=never).start()
    message = str(failure.value)
    assert message == (
        f"clumsy: ended with exit code 3 before it was ready; "
        f"the end of its log {tmp_path / 'log'}:\n  | slipped"
    )


async def never() -> bool:
    return False


async def test_a_program_that_is_never_ready_is_killed(tmp_path: Path) -> None:
    program = Program(
        name="sleepy",
        command=[sys.executable, "-c", "import time; time.sleep(3600)"],
        log=tmp_path / "log",
        lock=tmp_path / "lock",
        start_seconds=0.2,
    )
    process = Process(program, ready=never)
    with pytest.raises(Failed, match="sleepy: not ready after"):
        await process.start()
    assert not process.running


async def test_a_program_that_ignores_the_request_to_stop_is_killed(tmp_path: Path) -> None:
    program = Program(
        name="stubborn",
        command=[
            *(sys.executable, "-u", "-c"),
            "from signal import *; signal(SIGTERM, SIG_IGN); print('deaf'); pause()",
        ],
        log=tmp_path / "log",
        lock=tmp_path / "lock",
        stop_seconds=0.2,
    )

    async def deaf() -> bool:
        return "deaf" in (tmp_path / "log").read_text()

    process = Process(program, ready=deaf)
    await process.start()
    await process.stop()
    assert not process.running
    assert process._exit() == "signal SIGKILL"


async def test_only_what_nobody_stopped_has_died(tmp_path: Path) -> None:
    program = Program(
        name="mortal",
        command=[sys.executable, "-c", "import time; time.sleep(3600)"],
        log=tmp_path / "log",
        lock=tmp_path / "lock",
    )
    process = Process(program)
    assert process.died() is None
    for end in (process.stop, process.kill):
        await process.start()
        assert process.died() is None
        await end()
        assert process.died() is None
    await process.start()
    os.kill(process.pid, signal.SIGKILL)
    await until_so(lambda: not process.running)
    assert "mortal: ended with signal SIGKILL" in str(process.died())


async def test_no_descriptor_is_kept_for_a_program_that_is_gone(tmp_path: Path) -> None:
    program = Program(
        name="brief",
        command=[sys.executable, "-c", ""],
        log=tmp_path / "log",
        lock=tmp_path / "lock",
    )
    process = Process(program)
    await process.finish()
    before = psutil.Process().num_fds()
    for _ in range(3):
        await process.finish()
    assert psutil.Process().num_fds() == before


async def test_two_programs_never_run_over_the_same_data(tmp_path: Path) -> None:
    program = Program(
        name="jealous",
        command=[sys.executable, "-c", "import time; time.sleep(3600)"],
        log=tmp_path / "log",
        lock=tmp_path / "lock",
        start_seconds=0.2,
    )
    first, second = Process(program), Process(program)
    await first.start()
    try:
        with pytest.raises(Failed, match="jealous: another process uses this data"):
            await second.start()
    finally:
        await first.kill()
    await second.start()
    await second.kill()
