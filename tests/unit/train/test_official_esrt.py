"""The authors' ESRT layout: a bare table, `module.` before names or not, all accounted for."""

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")
pytestmark = pytest.mark.train

from foveate.errors import ModelError
from foveate.nets.esrt import ESRT, ESRTConfig
from foveate.train.official.reader import read_official


@pytest.mark.parametrize("config", [ESRTConfig(2), ESRTConfig(3), ESRTConfig(4, 16)])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_scale_and_width_are_read_off_the_shapes_and_every_value_taken(tmp_path, config, prefix):
    tensors = ESRT(config).state_dict()
    torch.save({f"{prefix}{name}": t for name, t in tensors.items()}, tmp_path / "esrt.pth")
    net = read_official(tmp_path / "esrt.pth", "esrt")
    assert net.config == config
    assert all(torch.equal(t, tensors[name]) for name, t in net.state_dict().items())


@pytest.mark.parametrize(
    "name", ["body.0.encoder2.decoder_low.weight1.scale", "up.1.conv.weight", "tail.1.bias"]
)
def test_left_over_missing_and_misshapen_tensors_are_named(tmp_path, name):
    tensors = ESRT(ESRTConfig(2, 16)).state_dict()
    less = {n: t for n, t in tensors.items() if n != name}
    for given in (
        less,
        tensors | {name: torch.ones(7, 7)},
        tensors | {f"{name}.more": tensors[name]},
    ):
        torch.save(given, tmp_path / "odd.pth")
        with pytest.raises(ModelError, match=f"does not fit ESRT x2.*{name}"):
            read_official(tmp_path / "odd.pth", "esrt")


@pytest.mark.parametrize(
    "tensors",
    [
        {"conv.weight": torch.ones(1)},
        {"head.0.weight": torch.ones(24, 3, 3, 3), "tail.0.0.weight": torch.ones(96, 24, 3, 3)},
        {"head.0.weight": torch.ones(32, 3, 3, 3), "tail.0.0.weight": torch.ones(())},
        {"head.0.weight": torch.ones(0, 3, 3, 3), "tail.0.0.weight": torch.ones(1)},
    ],
)
def test_another_network_is_told_apart(tmp_path, tensors):
    torch.save(tensors, tmp_path / "other.pth")
    with pytest.raises(ModelError, match=r"not an ESRT weight file.*it holds (conv|head\.0)"):
        read_official(tmp_path / "other.pth", "esrt")


def test_a_claimed_size_is_not_allocated(tmp_path):
    wide = torch.ones(1).expand(160_000, 3, 3, 3)
    torch.save(
        {"head.0.weight": wide, "tail.0.0.weight": torch.ones(4).expand(640_000, 4)},
        tmp_path / "w.pth",
    )
    with pytest.raises(ModelError, match="does not fit ESRT"):
        read_official(tmp_path / "w.pth", "esrt")
