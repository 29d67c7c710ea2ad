import hashlib
import os
import pwd

import pytest

from foveate.cli.doctor import gather
from foveate.errors import ModelError, UsageError
from foveate.models import store
from foveate.models.card import Card, WeightsFacts, WindowFacts
from foveate.models.write import write_card


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    """Empty shipped and own folders: no test depends on what ships."""
    shipped, own = tmp_path / "shipped", tmp_path / "own"
    shipped.mkdir()
    own.mkdir()
    monkeypatch.setattr(store, "SHIPPED", shipped)
    monkeypatch.setenv("FOVEATE_MODELS", str(own))
    return shipped, own


def put_model(folder, model_id, *, weights=b"weights", **facts):
    file = f"{model_id}.onnx"
    (folder / file).write_bytes(weights)
    fields = {
        "family": "rt4ksr",
        "task": "upscale",
        "scale": 2,
        "macs_per_lr_pixel": 9720,
        "weights": WeightsFacts(file, hashlib.sha256(weights).hexdigest(), len(weights)),
    } | facts
    card = Card(
        id=model_id,
        trained_for="tests",
        summary="",
        licence="Apache-2.0",
        limits="",
        parameters=1,
        receptive_radius=9,
        session_bytes_per_lr_pixel=100,
        window=WindowFacts(128, 128, 16, 2),
        **fields,
    )
    write_card(card, folder / f"{model_id}.toml")
    return card


def test_both_folders_are_listed_with_where_each_card_lies(folders):
    shipped, own = folders
    put_model(shipped, "b_x2.photo")
    put_model(own, "a_x2.mine")
    found = [(entry.card.id, entry.where) for entry in store.list_cards()]
    assert found == [("b_x2.photo", "shipped"), ("a_x2.mine", "own")]


def test_an_absent_own_folder_is_an_empty_one(monkeypatch, tmp_path):
    monkeypatch.setenv("FOVEATE_MODELS", str(tmp_path / "nowhere"))
    assert store.list_cards() == []


def test_the_own_folder_follows_xdg_when_the_variable_is_unset(monkeypatch, tmp_path):
    monkeypatch.delenv("FOVEATE_MODELS", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert store.own_folder() == tmp_path / "foveate" / "models"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert store.own_folder() == tmp_path / "home/.local/share/foveate/models"


def test_a_user_without_a_home_has_no_own_models_and_is_told_where_to_name_a_folder(
    folders, monkeypatch
):
    def unknown(user):
        raise KeyError(user)

    put_model(folders[0], "b_x2.photo")
    for variable in ("FOVEATE_MODELS", "XDG_DATA_HOME", "HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert [entry.card.id for entry in store.list_cards()] == ["b_x2.photo"]
    with pytest.raises(UsageError, match="no home; hint: set FOVEATE_MODELS"):
        store.own_folder()
    assert "no home" in gather()["own models"]


@pytest.mark.parametrize("form", ["id", "card", "weights"])
def test_a_model_is_found_by_id_by_card_and_by_weights(folders, form):
    shipped, _ = folders
    card = put_model(shipped, "rt4ksr_x2.photo")
    asked = {
        "id": card.id,
        "card": shipped / f"{card.id}.toml",
        "weights": str(shipped / f"{card.id}.onnx"),
    }[form]
    assert store.find_model(asked) == store.Model(card, shipped / f"{card.id}.onnx")


def test_an_unknown_id_names_the_nearest_and_all_known(folders):
    for model_id in ("rt4ksr_x2.photo", "rt4ksr_x2.bicubic", "esrt_x4.photo"):
        put_model(folders[0], model_id)
    with pytest.raises(UsageError) as caught:
        store.find_model("rt4ksr_x2.foto")
    assert "did you mean rt4ksr_x2.photo" in caught.value.remedy
    assert caught.value.cause == "known: esrt_x4.photo, rt4ksr_x2.bicubic, rt4ksr_x2.photo"


def test_a_missing_card_file_is_a_usage_error_naming_the_path():
    with pytest.raises(UsageError, match=r"nowhere/model\.toml"):
        store.find_model("nowhere/model.toml")


def test_one_id_in_both_folders_is_refused_as_ambiguous(folders):
    for folder in folders:
        put_model(folder, "rt4ksr_x2.photo")
    with pytest.raises(UsageError, match="two models"):
        store.find_model("rt4ksr_x2.photo")
    assert store.find_model(folders[1] / "rt4ksr_x2.photo.toml").card.id == "rt4ksr_x2.photo"


def test_a_card_under_another_name_is_refused(folders):
    put_model(folders[1], "mine_x2")
    (folders[1] / "mine_x2.toml").rename(folders[1] / "yours_x2.toml")
    with pytest.raises(ModelError, match="misnamed: it is of mine_x2"):
        store.find_model("yours_x2")


def test_missing_weights_are_a_model_error_with_a_remedy(folders):
    put_model(folders[0], "rt4ksr_x2.photo")
    (folders[0] / "rt4ksr_x2.photo.onnx").unlink()
    with pytest.raises(ModelError, match=r"rt4ksr_x2\.photo\.onnx: No such file.*hint: install"):
        store.find_model("rt4ksr_x2.photo")


@pytest.mark.parametrize(
    ("damage", "fact"), [(b"weightz", "SHA-256"), (b"weigh", "5 bytes, the card says 7")]
)
def test_damaged_weights_are_refused(folders, damage, fact):
    put_model(folders[0], "rt4ksr_x2.photo")
    (folders[0] / "rt4ksr_x2.photo.onnx").write_bytes(damage)
    with pytest.raises(ModelError, match=f"damaged: {fact}"):
        store.find_model("rt4ksr_x2.photo")


def test_damage_after_the_first_use_is_seen_although_digests_are_kept(folders):
    put_model(folders[0], "rt4ksr_x2.photo")
    weights = folders[0] / "rt4ksr_x2.photo.onnx"
    store.find_model("rt4ksr_x2.photo")
    before = weights.stat().st_mtime_ns
    weights.write_bytes(b"weightz")
    os.utime(weights, ns=(before + 1, before + 1))
    with pytest.raises(ModelError, match="damaged"):
        store.find_model("rt4ksr_x2.photo")


def test_weights_are_hashed_once_per_version(folders, monkeypatch):
    put_model(folders[0], "rt4ksr_x2.photo")
    calls = []
    real = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda *a: calls.append(1) or real(*a))
    for _ in range(3):
        store.find_model("rt4ksr_x2.photo")
    assert len(calls) == 1


def test_weights_outside_the_cards_folder_are_refused(folders, tmp_path):
    (tmp_path / "stray.onnx").write_bytes(b"weights")
    put_model(folders[1], "mine")
    card = folders[1] / "mine.toml"
    card.write_text(card.read_text().replace("mine.onnx", "../stray.onnx"))
    with pytest.raises(ModelError, match="not a file beside the card"):
        store.find_model("mine")


def test_a_broken_card_stops_the_list_or_is_told(folders):
    put_model(folders[0], "rt4ksr_x2.photo")
    (folders[1] / "broken.toml").write_text("id = ")
    with pytest.raises(ModelError, match=r"broken\.toml"):
        store.list_cards()
    told = []
    assert [entry.card.id for entry in store.list_cards(told.append)] == ["rt4ksr_x2.photo"]
    assert len(told) == 1


def test_a_broken_card_does_not_stop_another_model(folders):
    put_model(folders[0], "rt4ksr_x2.photo")
    (folders[1] / "broken.toml").write_text("id = ")
    assert store.find_model("rt4ksr_x2.photo").card.id == "rt4ksr_x2.photo"


def test_the_default_is_the_cheapest_made_for_photos(folders):
    put_model(folders[0], "rt4ksr_x2.bicubic")
    put_model(folders[0], "rt4ksr_x2.photo", macs_per_lr_pixel=9720)
    put_model(folders[0], "esrt_x2.photo", macs_per_lr_pixel=900_000)
    put_model(folders[0], "rt4ksr_x3.bicubic", scale=3)
    put_model(folders[0], "lmdvit.local", scale=1, task="deblur")
    put_model(folders[1], "mine_x2.photo", macs_per_lr_pixel=1)
    assert store.default_model(2) == "rt4ksr_x2.photo"
    assert store.default_model(3) == "rt4ksr_x3.bicubic"
    assert store.default_model(1, "deblur") == "lmdvit.local"


def test_no_default_names_the_scales_there_are(folders):
    put_model(folders[0], "rt4ksr_x2.photo")
    put_model(folders[0], "rt4ksr_x4.photo", scale=4)
    with pytest.raises(UsageError, match="scales there are: 2, 4"):
        store.default_model(8)


def test_a_picture_is_no_model(tmp_path):
    (tmp_path / "photo.png").write_bytes(b"a picture")
    with pytest.raises(UsageError, match=r"photo\.png is no model"):
        store.find_model(tmp_path / "photo.png")
