import pytest

from foveate.errors import UsageError
from foveate.plan.memory import format_memory, parse_memory


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 1),
        ("4096", 4096),
        ("512MiB", 512 << 20),
        ("512 mib", 512 << 20),
        ("512M", 512 << 20),
        ("512MB", 512 << 20),
        ("1GiB", 1 << 30),
        ("1.5g", 3 << 29),
        ("2K", 2048),
        (" 2KiB ", 2048),
        ("7b", 7),
    ],
)
def test_sizes_are_read_as_people_write_them(text, size):
    assert parse_memory(text) == size


@pytest.mark.parametrize(
    "text", ["", "MiB", "-1", "0", "0GiB", "0.1b", "1 TiB", "1e9", "one", "1,5G", "1 2", "nan"]
)
def test_nonsense_is_refused_with_an_example(text):
    with pytest.raises(UsageError, match="512MiB"):
        parse_memory(text)


def test_sizes_are_said_in_whole_mib_rounded_up():
    assert format_memory(412 << 20) == "412 MiB"
    assert format_memory((412 << 20) + 1) == "413 MiB"
