"""The formats of a report file: each is a row of one table, and the documentation lists the same ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.mstr.library.plugins.filter import report_file
from ansible_collections.mstr.library.plugins.plugin_utils._playbooks.variables import of_playbooks
from ansible_collections.mstr.library.plugins.plugin_utils._reports.formats import FORMATS

GUIDE = Path(__file__).parents[4] / "docs" / "docsite" / "rst" / "guide_policy.rst"
DOCUMENTED = {
    "the filter": " ".join(yaml.safe_load(report_file.DOCUMENTATION)["options"]["dest"]["description"]),
    "the variable": of_playbooks()["mstr_report_dest"]["meaning"],
    "the guide": GUIDE.read_text(encoding="utf-8").partition("Suffix, What it is")[2].partition("\n\nAn audit")[0],
}


@pytest.mark.parametrize("place", DOCUMENTED)
def test_every_format_is_documented(place):
    suffixes = re.findall(r"(?:C\(|``)\.([a-z.]+)", DOCUMENTED[place])
    assert sorted(set(suffixes)) == sorted(FORMATS)
