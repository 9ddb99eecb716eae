"""What a function reads from its environment."""

import pytest

from storehooks.settings import MissingSettingError, Settings
from tests.template_file import own_variables, resources


def test_a_setting_is_the_variables_value():
    assert Settings({"HOOKS_TABLE": "hooks"}).hooks_table == "hooks"


@pytest.mark.parametrize("environment", [{}, {"HOOKS_TABLE": ""}])
def test_a_missing_setting_is_named(environment):
    with pytest.raises(MissingSettingError, match="HOOKS_TABLE"):
        _ = Settings(environment).hooks_table


@pytest.mark.parametrize(("value", "meaning"), [("true", True), ("false", False)])
def test_a_switch_is_true_or_false(value, meaning):
    assert Settings({"ALLOW_PRIVATE_DESTINATIONS": value}).allow_private_destinations is meaning


@pytest.mark.parametrize("value", ["True", "1", "yes", " true"])
def test_a_switch_that_is_neither_is_refused_rather_than_guessed(value):
    with pytest.raises(MissingSettingError, match="ALLOW_PRIVATE_DESTINATIONS"):
        _ = Settings({"ALLOW_PRIVATE_DESTINATIONS": value}).allow_private_destinations


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "ten", "१"])
def test_a_number_is_whole_and_above_zero(value):
    assert Settings({"DELIVERY_TIMEOUT_SECONDS": "10"}).delivery_timeout_seconds == 10
    with pytest.raises(MissingSettingError, match="DELIVERY_TIMEOUT_SECONDS"):
        _ = Settings({"DELIVERY_TIMEOUT_SECONDS": value}).delivery_timeout_seconds


def test_there_is_a_setting_for_each_variable_that_the_template_gives_a_function_and_for_no_other():
    given = {
        name
        for function in resources("AWS::Serverless::Function").values()
        for name in own_variables(function)
    }
    settings = {name for name, value in vars(Settings).items() if isinstance(value, property)}
    assert {name.upper() for name in settings} == given


def test_settings_of_what_is_made_later_are_checked_by_their_names():
    Settings({"HOOKS_TABLE": "hooks"}).check("hooks_table")
    with pytest.raises(MissingSettingError, match="DELIVERIES_TABLE"):
        Settings({"HOOKS_TABLE": "hooks"}).check("hooks_table", "deliveries_table")
