"""Row 30: for every model its licence, data and author; and that results are free to use."""


def test_models_tells_all_of_every_model(command):
    shown = command("models")
    document = command("models", "--json").document
    assert document["models"]
    for model in document["models"]:
        assert model["licence"]
        assert model["training"]["data"]
        assert model["training"]["author"]
        for fact in (model["licence"], model["training"]["data"], model["training"]["author"]):
            assert fact in shown.out


def test_results_are_free_to_use(command):
    words = "What you make with a model is yours: no licence here reaches the pictures."
    assert command("models").err == words + "\n"
    assert command("models", "--json").document["outputs"] == words
