"""Weight files of others: nothing in them runs, and every tensor is accounted for."""

import os

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")
pytestmark = pytest.mark.train

from foveate.errors import InputError, ModelError, UsageError
from foveate.nets.rt4ksr import RT4KSR, RT4KSRConfig
from foveate.train.official.reader import read_official


class Evil:
    """Unpickled by an ordinary reader, this would make a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def official(**changes):
    net = RT4KSR(RT4KSRConfig(3, hf="gaussian"))
    tensors = {f"module.{k}": v for k, v in net.state_dict().items()}
    tensors["module.gamma"] = torch.zeros(1)
    return {"epoch": 1, "state_dict": tensors | changes}


def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(tmp_path):
    marker = tmp_path / "ran"
    torch.save({"state_dict": Evil(marker)}, tmp_path / "evil.pth")
    with pytest.raises(InputError, match="it would run code"):
        read_official(tmp_path / "evil.pth", "rt4ksr")
    assert not marker.exists()


def test_the_authors_layout_is_read_and_its_dead_branch_left_out(tmp_path):
    torch.save(official(), tmp_path / "x3.pth")
    net = read_official(tmp_path / "x3.pth", "rt4ksr")
    assert net.config == RT4KSRConfig(3)


def test_a_trained_gamma_switches_the_branch_on(tmp_path):
    torch.save(official(**{"module.gamma": torch.ones(1)}), tmp_path / "x3.pth")
    assert read_official(tmp_path / "x3.pth", "rt4ksr").config.hf == "gaussian"


def test_left_over_missing_and_misshapen_tensors_are_named(tmp_path):
    for changes in ({"module.extra": torch.ones(2)}, {"module.tail.0.bias": torch.ones(7)}):
        torch.save(official(**changes), tmp_path / "odd.pth")
        with pytest.raises(ModelError, match=next(iter(changes)).removeprefix("module.")):
            read_official(tmp_path / "odd.pth", "rt4ksr")
    content = official()
    del content["state_dict"]["module.body.2.norm.weight"]
    torch.save(content, tmp_path / "less.pth")
    with pytest.raises(ModelError, match=r"body\.2\.norm\.weight"):
        read_official(tmp_path / "less.pth", "rt4ksr")


def test_another_network_is_told_apart(tmp_path):
    torch.save({"conv.weight": torch.ones(1)}, tmp_path / "other.pth")
    with pytest.raises(ModelError, match=r"it holds conv\.weight"):
        read_official(tmp_path / "other.pth", "rt4ksr")
    with pytest.raises(UsageError, match="known: rt4ksr"):
        read_official(tmp_path / "other.pth", "lenet")


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04rubbish"])
def test_files_that_are_no_weights_are_told(tmp_path, content):
    (tmp_path / "x.pth").write_bytes(content)
    with pytest.raises(InputError, match=r"cannot read|refused"):
        read_official(tmp_path / "x.pth", "rt4ksr")


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_official(tmp_path / "none.pth", "rt4ksr")
