"""Settings, their file, and what bad values say."""

from fractions import Fraction

import pytest

from dedup.errors import BadSettings
from dedup.settings import Settings, read_settings


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"threshold": 0}, "threshold must lie between 0.01 and 1.0, found 0"),
        ({"threshold": 1.5}, "threshold must lie between 0.01 and 1.0, found 1.5"),
        ({"threshold": float("nan")}, "threshold must lie between"),
        ({"threshold": "0.7"}, "threshold must be a number, found '0.7'"),
        ({"threshold": 0.1 * 7}, "threshold must have at most six decimals, found 0.7000000000000001; write 0.7"),
        ({"short_containment": 2 / 3}, "short_containment must have at most six decimals"),
        ({"num_perm": 1.5}, "num_perm must be a whole number, found 1.5"),
        ({"num_perm": True}, "num_perm must be a whole number, found True"),
        ({"numbers": "loose"}, "numbers must be one of strict, ignore, found 'loose'"),
        ({"scope": None}, "scope must be one of within, across, both, found None"),
        ({"keep": "newest"}, "keep must be first, last, longest or field:NAME[:desc], found 'newest'"),
        ({"keep": "field:"}, "keep must be"),
        ({"keep": 3}, "keep must be"),
        ({"min_chars": 10}, "min_chars_within (20) must not exceed min_chars (10)"),
        ({"scope": "within", "grain": "article"}, 'scope "within" compares passages of one article, grain "article"'),
        ({"keep": "field:\udcff"}, "keep must be"),
        ({"threshold": 0.1, "num_perm": 20}, "raise num_perm to 29, or lower recall to 0.8784 or less"),
        ({"treshold": 0.7}, "unknown setting 'treshold'; the settings are threshold,"),
    ],
)
def test_a_bad_value_gives_one_clear_line(values, message):
    """It names the setting, what was expected and what was found."""
    with pytest.raises(BadSettings) as error:
        Settings.from_dict(values)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_the_advice_about_permutations_holds():
    """29 permutations are enough, and so is the lower recall."""
    assert Settings(threshold=0.1, num_perm=29).bands == 29
    assert Settings(threshold=0.1, num_perm=20, recall=0.8784).bands == 20


def test_the_threshold_is_the_decimal_that_was_written():
    """0.7 is seven tenths, not the float beside it."""
    assert Settings(threshold=0.7).threshold_fraction == Fraction(7, 10)
    assert Settings(threshold=1).threshold_fraction == 1


def test_settings_come_back_from_their_dictionary():
    """summary.json holds enough to repeat a run."""
    settings = Settings(threshold=0.8, keep="field:date:desc")
    assert Settings.from_dict(settings.to_dict()) == settings
    assert settings.keep_field == "date"
    assert Settings(keep="field:meta:date").keep_field == "meta:date"
    assert Settings().keep_field is None


def test_a_settings_file_has_the_same_names(tmp_path):
    """A hyphen may stand for an underscore, as on the command line."""
    file = tmp_path / "dedup.toml"
    file.write_text('threshold = 0.8\nmin-chars = 60\nkeep = "last"\n')
    assert read_settings(file) == {"threshold": 0.8, "min_chars": 60, "keep": "last"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"threshold 0.8", "is no TOML"),
        (b"\xff\xfe", "is no TOML"),
        (b"speed = 1", "unknown setting 'speed'"),
        (b"threshold = 2", "threshold must lie between"),
        (b"[threshold]\nvalue = 1", "threshold must be a number, found {'value': 1}"),
    ],
)
def test_a_bad_settings_file_is_named(tmp_path, text, message):
    """The error begins with the file's name."""
    file = tmp_path / "dedup.toml"
    file.write_bytes(text)
    with pytest.raises(BadSettings) as error:
        read_settings(file)
    assert str(error.value).startswith(str(file))
    assert message in str(error.value)
    with pytest.raises(BadSettings, match="cannot be read: No such file"):
        read_settings(tmp_path / "none.toml")
