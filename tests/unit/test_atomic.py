import errno
import os
import stat

import pytest

from foveate.atomic import AtomicFile, write_bytes
from foveate.errors import OutputError

WAYS = ("unnamed", "hidden", "unnamed that cannot be named", "hidden, without links")
NAMES = ["été \u2013 写真 №1.txt", "😀.txt", "-dash", "per%cent %s", "n" * 200, "a[page=1]", " "]


@pytest.fixture(autouse=True, params=WAYS)
def way(request, monkeypatch, tmp_path):
    """The kinds of file systems: with files that have no name, without, and a sandbox between."""
    real_open, real_link = os.open, os.link

    def open_named_only(path, flags, *mode):
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        return real_open(path, flags, *mode)

    def link_named_only(source, target, **options):
        if options or request.param == WAYS[3]:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        return real_link(source, target)

    if "hidden" in request.param:
        monkeypatch.setattr(os, "open", open_named_only)
    elif not can_be_unnamed(tmp_path):
        pytest.skip("the file system of the temporary folder has no files without a name")
    if request.param in WAYS[2:]:
        monkeypatch.setattr(os, "link", link_named_only)
    return request.param


def can_be_unnamed(folder):
    try:
        os.close(os.open(folder, os.O_RDWR | os.O_TMPFILE))
    except OSError:
        return False
    return True


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_any_name_is_written(tmp_path, name):
    write_bytes(tmp_path / name, b"hello", overwrite=False)
    assert (tmp_path / name).read_bytes() == b"hello"
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_until_commit_there_is_nothing_or_a_hidden_file_beside(tmp_path, way):
    with AtomicFile(tmp_path / "out", overwrite=False) as file:
        file.write(b"half")
        beside = [entry.name for entry in tmp_path.iterdir()]
        assert len(beside) == ("hidden" in way)
        assert all(name.startswith(".") for name in beside)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_large_file_gets_its_name_alone(tmp_path, overwrite):
    data = os.urandom(3 << 20)
    if overwrite:
        (tmp_path / "out").write_bytes(b"old")
    write_bytes(tmp_path / "out", data, overwrite=overwrite)
    assert (tmp_path / "out").read_bytes() == data
    assert len(list(tmp_path.iterdir())) == 1


def test_an_existing_file_is_kept_without_overwrite(tmp_path):
    path = tmp_path / "out"
    path.write_bytes(b"old")
    with pytest.raises(OutputError, match="the file exists"):
        write_bytes(path, b"new", overwrite=False)
    assert path.read_bytes() == b"old"


def test_a_file_that_appears_meanwhile_is_kept(tmp_path):
    path = tmp_path / "out"
    with AtomicFile(path, overwrite=False) as file:
        file.write(b"new")
        path.write_bytes(b"appeared")
        with pytest.raises(OutputError, match="the file exists"):
            file.commit()
    assert path.read_bytes() == b"appeared"
    assert len(list(tmp_path.iterdir())) == 1


def test_overwriting_keeps_the_permissions(tmp_path):
    path = tmp_path / "out"
    path.write_bytes(b"old")
    path.chmod(0o640)
    write_bytes(path, b"new", overwrite=True)
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_new_file_has_the_usual_permissions(tmp_path):
    (tmp_path / "usual").write_bytes(b"")
    write_bytes(tmp_path / "out", b"", overwrite=False)
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "usual").stat().st_mode


def fail_half_way(path, error):
    with AtomicFile(path, overwrite=False) as file:
        file.write(b"half")
        raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, SystemExit])
def test_whatever_goes_wrong_leaves_nothing(tmp_path, error):
    with pytest.raises(error):
        fail_half_way(tmp_path / "out", error)
    assert list(tmp_path.iterdir()) == []


def test_the_data_is_flushed_before_the_name_appears(tmp_path, monkeypatch, way):
    order = []
    real_sync, real_link = os.fsync, os.link

    def sync(descriptor):
        order.append("sync")
        real_sync(descriptor)

    def link(source, target, **options):
        real_link(source, target, **options)
        order.append("name")

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "link", link)
    write_bytes(tmp_path / "out", b"x", overwrite=False)
    names = (["name", "name"], ["name"], ["sync", "name"], [])  # the last one is a rename
    assert order == ["sync", *names[WAYS.index(way)], "sync"]


@pytest.mark.parametrize(
    ("path", "cause"),
    [
        ("missing/out", "the folder does not exist"),
        ("file/out", "not a folder"),
        ("folder", "it is a folder"),
        ("pipe", "not a regular file"),
        ("n" * 300, "the name is too long"),
    ],
)
@pytest.mark.parametrize("overwrite", [False, True])
def test_an_impossible_place_is_told_with_its_cause(tmp_path, path, cause, overwrite):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(OutputError, match=cause):
        write_bytes(tmp_path / path, b"x", overwrite=overwrite)
    assert sorted(tmp_path.iterdir()) == before
