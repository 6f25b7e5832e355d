"""The operations book is complete: every setting of the programs with its default, every alarm of the templates with its steps."""

import re

import pytest
from templates import ROOT, load_all, resources

BOOK = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
CONFIG = (ROOT / "lib/service/config.c").read_text(encoding="utf-8")
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")


def settings_of_the_programs():
    """name -> (default or None, which programs need it), as the table in config.c has them."""
    table = CONFIG.split("static const struct setting SETTINGS[] = {")[1].split("\n};")[0]
    rows = re.findall(r'\{"(\w+)",\s*\w+,\s*[^,]+,\s*(NULL|"[^"]*"),\s*([^,]+),', table)
    assert len(rows) == table.count('{"'), "a row of config.c that this test cannot read"
    return {name: (None if default == "NULL" else default.strip('"'), needed.strip()) for name, default, needed in rows}


def section(title, level="##"):
    found = re.search(rf"^{level} {re.escape(title)}\n(.*?)(?=^#{{1,{len(level)}}} |\Z)", BOOK, re.M | re.S)
    assert found, f"docs/operations.md has no section {title}"
    return found[1]


def settings_of_the_book():
    """name -> what stands in the default's column."""
    return dict(re.findall(r"^\| `(\w+)` \| *(.*?) *\|", section("Settings"), re.M))


SETTINGS = settings_of_the_programs()
NEEDED = {
    "0": "",
    "BOTH": "needed",
    "PROGRAM_WORKER": "needed by the worker",
    "PROGRAM_API": "needed by the API",
}


@pytest.mark.parametrize("name", SETTINGS)
def test_the_book_and_the_example_have_the_setting(name):
    default, needed = SETTINGS[name]
    expected = f"`{default}`" if default is not None else NEEDED[needed]
    assert settings_of_the_book().get(name) == expected
    assert re.search(rf"^(# )?{name}=", EXAMPLE, re.M), f"{name} is not in .env.example"


def test_the_book_has_no_setting_that_does_not_exist():
    assert set(settings_of_the_book()) - set(SETTINGS) == set()


ALARMS = sorted(resource["Properties"]["AlarmName"] for _, _, resource in resources(load_all(), "AWS::CloudWatch::Alarm"))


@pytest.mark.parametrize("name", ALARMS)
def test_the_book_has_three_steps_for_the_alarm(name):
    steps = re.findall(r"^(\d)\. \S.*", section(name, "###"), re.M)
    assert steps == ["1", "2", "3"]


def test_the_book_has_no_alarm_that_does_not_exist():
    assert re.findall(r"^### (\w+Alarm)$", BOOK, re.M) != []
    assert set(re.findall(r"^### (\w+Alarm)$", BOOK, re.M)) - set(ALARMS) == set()


def test_links_inside_the_book_lead_somewhere():
    titles = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.*)$", BOOK, re.M)}
    assert set(re.findall(r"\]\(#([^)]+)\)", BOOK)) - titles == set()
