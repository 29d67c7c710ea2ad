"""Row 29: one's own and wrong weights: told what they are, and nothing in them runs."""

import importlib
import os

import pytest

from pictures import read_picture


def test_a_card_and_weights_that_do_not_belong_together(command, picture, shipped, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    card = folder / "mine.toml"
    source = shipped.weights_path.with_name(f"{shipped.card.id}.toml").read_text()
    card.write_text(source)
    (folder / shipped.weights_path.name).write_bytes(b"not ONNX")
    shown = command("upscale", picture, "--model", card)
    assert shown.code == 6
    assert f"weights {folder / shipped.weights_path.name} are damaged" in shown.err


@pytest.mark.train
class TestImport:
    """`import-weights` on the authors' layout; in depth: tests/unit/train/test_official.py."""

    @pytest.fixture
    def official(self, tmp_path):
        torch = pytest.importorskip("torch", reason="needs the extra 'train'")
        nets = importlib.import_module("foveate.nets.rt4ksr")

        torch.manual_seed(0)
        net = nets.RT4KSR(nets.RT4KSRConfig(2, hf="gaussian"))
        tensors = net.state_dict() | {"gamma": torch.zeros(1)}

        def save(name, content):
            torch.save(content, tmp_path / name)
            return tmp_path / name

        return tensors, save

    def test_the_architecture_is_read_off_the_tensors_and_the_model_works(
        self, command, picture, official, tmp_path
    ):
        tensors, save = official
        path = save("theirs.pth", {"state_dict": tensors})
        shown = command("import-weights", path, "--family", "rt4ksr", "--id", "theirs")
        assert shown.code == 0, shown.err
        card = tmp_path / "own models" / "theirs.toml"
        assert shown.out == f"{card}\n"
        # Random weights do not make a picture; the engine's self-check says so.
        assert command("upscale", picture, "--model", "theirs", "-o", "a.png").code in (0, 6)
        assert command("plan", picture, "--model", card, "-o", "b.png").code == 0

    def test_odd_tensors_are_named(self, command, official, tmp_path):
        tensors, save = official
        odd = {name.replace("tail.0", "rear"): value for name, value in tensors.items()}
        path = save("odd.pth", odd)
        shown = command("import-weights", path, "--family", "rt4ksr", "--id", "odd")
        assert shown.code == 6
        assert str(path) in shown.err
        assert "RT4KSR x2" in shown.err
        named = [name for name in odd if name in shown.err] + [
            name for name in tensors if name in shown.err
        ]
        assert len(set(named)) >= 3
        assert not (tmp_path / "own models").exists()

    def test_a_pickle_that_would_run_code_does_not(self, command, official, tmp_path):
        class Evil:
            def __reduce__(self):
                return os.mkdir, (str(tmp_path / "ran"),)

        _, save = official
        path = save("evil.pth", {"state_dict": Evil()})
        shown = command("import-weights", path, "--family", "rt4ksr", "--id", "evil")
        assert shown.code == 3
        assert "it would run code" in shown.err
        assert not (tmp_path / "ran").exists()
        assert [item.name for item in tmp_path.iterdir()] == ["evil.pth"]


def test_an_own_model_is_used_by_id_and_by_path(command, picture, shipped, tmp_path):
    folder = tmp_path / "own models"
    folder.mkdir()
    (folder / shipped.weights_path.name).write_bytes(shipped.weights_path.read_bytes())
    text = shipped.weights_path.with_name(f"{shipped.card.id}.toml").read_text()
    (folder / "mine.toml").write_text(text.replace(f'id = "{shipped.card.id}"', 'id = "mine"'))
    assert command("upscale", picture, "--model", "mine", "-o", "a.png").code == 0
    assert command("upscale", picture, "--model", folder / "mine.toml", "-o", "b.png").code == 0
    assert (read_picture(tmp_path / "a.png") == read_picture(tmp_path / "b.png")).all()
