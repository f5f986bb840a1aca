import pytest

from tools.tracked import foreign


@pytest.mark.parametrize(
    "host", [("files.python", "hosted.org"), ("py", "pi.org"), ("deb.", "debian.org")]
)
def test_a_registry_is_found_wherever_it_stands(host: tuple[str, str]) -> None:
    assert [number for number, _ in foreign(f"first\nsee https://{''.join(host)}/simple")] == [2]


@pytest.mark.parametrize("before", ["", " ", '"', "'", "=", ":", "("])
def test_a_path_of_one_machine_is_found_where_a_path_can_begin(before: str) -> None:
    line = f"path{before}/" + "home/somebody/project"
    assert list(foreign(line)) == ([(1, line)] if before else [])


def test_a_route_that_only_ends_like_one_is_let_through() -> None:
    assert list(foreign("GET /t/acme/" + "work/flows and ./" + "home/somebody")) == []
