"""What every room's tests may ask for."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from command import Command

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture
def shared() -> Path:
    """The folder ../shared beside the checkout: test pictures, golden vectors, facts."""
    if not SHARED.is_dir():
        pytest.skip("../shared is not there: it holds the test pictures and golden vectors")
    return SHARED


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache folder for the whole session, so that plans leave the user's own alone."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture
def command(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Command:
    """`foveate ARGUMENTS` in this process, inside an empty folder and without own models."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FOVEATE_MODELS", str(tmp_path / "own models"))
    return Command(capsys)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests marked `slow` run with FOVEATE_SLOW=1 only: once per landing, not at every step."""
    if os.environ.get("FOVEATE_SLOW"):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    if slow:
        items[:] = [item for item in items if item not in slow]
        config.hook.pytest_deselected(items=slow)


def pytest_configure() -> None:
    """Undoes what `nohup` and `&` leave behind: an ignored signal stays ignored in every child."""
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            fresh = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
            signal.signal(number, fresh)
