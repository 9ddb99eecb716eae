"""What a function reads from its environment."""

import pytest

from storehooks.settings import MissingSettingError, setting, switch


def test_a_setting_is_the_variables_value(monkeypatch):
    monkeypatch.setenv("HOOKS_TABLE", "hooks")
    assert setting("HOOKS_TABLE") == "hooks"


@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_setting_is_named(monkeypatch, value):
    if value is None:
        monkeypatch.delenv("HOOKS_TABLE", raising=False)
    else:
        monkeypatch.setenv("HOOKS_TABLE", value)
    with pytest.raises(MissingSettingError, match="HOOKS_TABLE"):
        setting("HOOKS_TABLE")


@pytest.mark.parametrize(("value", "meaning"), [("true", True), ("false", False)])
def test_a_switch_is_true_or_false(monkeypatch, value, meaning):
    monkeypatch.setenv("ALLOW_PRIVATE_DESTINATIONS", value)
    assert switch("ALLOW_PRIVATE_DESTINATIONS") is meaning


@pytest.mark.parametrize("value", ["True", "1", "yes", " true"])
def test_a_switch_that_is_neither_is_refused_rather_than_guessed(monkeypatch, value):
    monkeypatch.setenv("ALLOW_PRIVATE_DESTINATIONS", value)
    with pytest.raises(MissingSettingError, match="ALLOW_PRIVATE_DESTINATIONS"):
        switch("ALLOW_PRIVATE_DESTINATIONS")
