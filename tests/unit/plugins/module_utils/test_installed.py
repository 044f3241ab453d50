from __future__ import annotations

import json
import subprocess
import sys
from datetime import date

import pytest
from ansible_collections.mstr.library.plugins.module_utils._model import installed
from ansible_collections.mstr.library.plugins.module_utils._model.policy import policy_from
from ansible_collections.mstr.library.plugins.module_utils._model.runtime import from_api
from ansible_collections.mstr.library.plugins.module_utils._work.runtime_info import SCRIPT
from unit.support.make import packages, stored

PYTHON = {"version": "3.10.12", "implementation": "CPython", "platform": "linux-x86_64"}
ALLOWED = ["pysftp", "paramiko", "bcrypt", "cffi", "pycparser"]
NONE_ALLOWED, OLD = "matches none of the allowed packages", "installed Cryptography==41.0.0"
# What pysftp pulls in, and what every environment has
FOUND = {
    "pysftp==0.2.9": ["paramiko>=1.17"],
    "paramiko==3.4.0": ["bcrypt>=3.2", "cryptography>=3.3"],
    "bcrypt==4.1.2": [],
    "Cryptography==41.0.0": ['cffi>=1.12; platform_python_implementation != "PyPy"'],
    "cffi==1.16.0": ["pycparser"],
    "pycparser==2.21": [],
    "pip==24.0": [],
}


def printed(found=FOUND, **python):
    """What the script prints on a runtime with these packages: their requirements by name==version."""
    rows = [dict(zip(("name", "version"), key.split("==")), requires=requires) for key, requires in found.items()]
    return json.dumps({"python": {**PYTHON, **python}, "packages": rows})


def read(found=FOUND, **python):
    return installed.installed_in(printed(found, **python))


def definition(*texts):
    return from_api({"packages": packages(*texts)}).values["packages"]


def test_the_script():
    """It runs on every Python, and nothing but the documented keys leaves the server."""
    ran = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    found = installed.installed_in(ran.stdout)
    assert "pytest" in found.packages
    data = json.loads(ran.stdout)
    assert (set(data), set(data["python"])) == ({"python", "packages"}, set(PYTHON))
    assert {key for package in data["packages"] for key in package} == {"name", "version", "requires"}
    assert data["python"]["version"] == sys.version.split()[0]


NO_LIST = ["", "hello", "[1]", "[" * 100_000, '{"python": {}, "packages": []}']
UNUSABLE = dict.fromkeys(NO_LIST, "is not a list of installed packages")
UNUSABLE[printed({})] = "has no package, though every environment has some, so packages are hidden"


@pytest.mark.parametrize("text", UNUSABLE)
def test_unusable_output(text):
    with pytest.raises(ValueError, match=UNUSABLE[text]):
        installed.installed_in(text)


def test_result():
    """Sorted by normalized name; of two with one name, Python imports the first."""
    found = installed.installed_in(f"Welcome\n{printed({'b_x==1': ['z', 'a'], 'A==2': [], 'B.X==3': []})}\n")
    rows = [{"name": "A", "version": "2", "requires": []}, {"name": "b_x", "version": "1", "requires": ["a", "z"]}]
    assert found.to_result() == {"python": PYTHON, "packages": rows}
    assert installed.installed_from(found.to_result()) == found


@pytest.mark.parametrize(
    ("requires", "written", "python", "needs"),
    [
        (["b", "missing"], ["a"], {}, ["b"]),
        (['b; extra == "x"'], ["a"], {}, []),
        (['b; extra == "x"'], ["A[y, x]==1"], {}, ["b"]),
        (['b; os_name == "nt"'], ["a"], {"platform": "win-amd64"}, ["b"]),
        (['b; platform_machine == "x86_64" and sys_platform == "linux"'], ["a"], {}, ["b"]),
        (['b; python_version < "3.11"'], ["a"], {}, ["b"]),
        (['b; python_version < "3.11"'], ["a"], {"version": "3.12.1"}, []),
        (["!!", 'b; python_full_version == "x.y"'], ["a"], {}, []),
    ],
)
def test_markers(requires, written, python, needs):
    """They are evaluated for the runtime, not for where the module runs."""
    found = read({"a==1": requires, "B==2": []}, **python)
    assert list(installed.graph_of(found, definition(*written))["a"]) == needs


def test_extra_of_a_requirement_and_nearest_requirer():
    """A circle is no problem, and the nearest to the definition is named."""
    found = read({"top==1": ["a[x]"], "a==1": ['b; extra == "x"'], "b==1": ["a"]})
    assert installed.graph_of(found) == {"top": ["a"], "a": ["b"], "b": ["a"]}
    found = read({"z==1": ["x"], "a==1": ["y"], "y==1": ["x", "a"], "x==1": ["y"], "alone==1": []})
    graph, written = installed.graph_of(found), definition("z", "a")
    assert [installed.required_by(graph, key, written) for key in ("x", "y", "alone")] == ["z", "a", None]


def evaluated(found, written="", **rules):
    """What a policy finds in a runtime with these packages, as texts."""
    runtime = from_api(stored(packages=packages(*written.split())))
    rows = policy_from(rules, date(2026, 6, 15)).report([runtime], {runtime.key: found})["violations"]
    return [f"{row['option']} {row['value']} {row['detail']}" for row in rows]


@pytest.mark.parametrize(
    ("written", "rule", "value", "found"),
    [
        # What is written is replaced by what is installed, with its version; what was pulled in says by whom.
        ("pysftp", "packages_never", ["pysftp<0.3", "bcrypt<4"], "packages pysftp==0.2.9 matches pysftp<0.3"),
        ("pysftp", "packages_never", ["cryptography<42"], f"{OLD} matches cryptography<42 (required by paramiko)"),
        ("numpy==1.0", "packages_never", ["numpy"], ""),
        ("", "packages_never", ["pysftp"], "installed pysftp==0.2.9 matches pysftp (no package requires it)"),
        # What is in every environment needs no permission, unless the definition has it.
        ("pysftp", "packages_within", ALLOWED, f"{OLD} {NONE_ALLOWED} (required by paramiko)"),
        ("pip", "packages_within", [*ALLOWED, "cryptography"], f"packages pip==24.0 {NONE_ALLOWED}"),
        # Whether a version is written is a question to the definition; what must be there is not.
        ("pysftp", "package_versions_required", True, "packages pysftp has no version"),
        ("", "packages_required", ["bcrypt>=4"], ""),
        ("x==1", "packages_required", ["x"], "packages x matches none of the packages"),
    ],
)
def test_policy_on_what_is_installed(written, rule, value, found):
    assert "; ".join(evaluated(read(), written, **{rule: value})) == found


@pytest.mark.parametrize(("real", "options"), [("3.10.12", ["installed"]), ("3.11.1", [])])
def test_policy_on_the_installed_python(real, options):
    """It counts in place of the wanted one, which is 3.10.5."""
    found = evaluated(read(version=real), runtime_versions_within=["==3.11.*"])
    assert [text.split()[0] for text in found] == options


@pytest.mark.parametrize(
    ("pinned", "found", "same"),
    [
        ("2.1.0", "2.1.0", True),
        ("2.1.0", "2.1.0+cu118", True),
        ("2.1.0+cu118", "2.1.0", False),
        ("2.1.0", "2.1.1", False),
        ("2.*", "2.1.1", True),
        ("2004d", "2004e", False),
    ],
)
def test_versions_that_differ(pinned, found, same):
    rows = list(installed.mismatches(read({f"Torch=={found}": []}), definition(f"torch=={pinned}")))
    assert rows == ([] if same else [{"package": "torch", "version": pinned, "installed": found}])


def test_pinned_packages(monkeypatch):
    """One may be missing. Without packaging, versions are compared all the same."""
    rows = list(installed.mismatches(read(), definition("PySFTP[x]==0.2.9", "gone==1", "unpinned")))
    assert rows == [{"package": "gone", "version": "1", "installed": None}]
    monkeypatch.setitem(sys.modules, "packaging.specifiers", None)
    found = read({"a==1.0+x": [], "b==2": []})
    assert [row["package"] for row in installed.mismatches(found, definition("a==1.0", "b==1"))] == ["b"]
