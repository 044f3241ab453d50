"""What the blocks of each page need to run unchanged: the server's state, files and variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

HOST = "mstr.example.com"
BASE_URL = f"https://{HOST}/MicroStrategyLibrary"
USERNAME = "administrator"
PASSWORD = "an-example-password"

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Preparation:
    """The state before the first block of a page."""

    profile: str = "samples"
    runtimes: Sequence[Json] = ()
    # More servers by host name below example.com, each with its own simulator and these runtimes.
    servers: Mapping[str, Sequence[Json]] = field(default_factory=dict)
    # Projects on each server, with their saved scripts.
    projects: Sequence[Json] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    variables: Json = field(default_factory=lambda: {"mstr_password": PASSWORD})
    # The variables for the connection. They are missing if the commands of the page set them.
    environment: Mapping[str, str] = field(
        default_factory=lambda: {"MSTR_BASE_URL": BASE_URL, "MSTR_USERNAME": USERNAME, "MSTR_PASSWORD": PASSWORD}
    )
    # Whether the commands run in a copy of the clone, without the collection installed.
    in_a_clone: bool = False
    # More arguments for ansible-playbook.
    options: Sequence[str] = ()
    # The input for shell commands.
    typed: str = ""
    # Texts in the warnings that its tasks show by design.
    warnings: Sequence[str] = ()


NIGHTLY = {
    "name": "Nightly reports",
    "whitelist": ["10.10.10.0/24"],
    "packages": [{"name": "pandas", "version": "2.2.3"}, {"name": "requests", "version": "2.32.3"}],
    "resource": {"cpu": "0.2", "mem": 512},
}
OLD = {**NIGHTLY, "runtimeVersion": "3.10.5"}

PAGES: dict[str, Preparation] = {
    "README.md": Preparation(in_a_clone=True, typed=f"{PASSWORD}\n", options=["-i", "inventory.yml"]),
    "docs/docsite/rst/guide_getting_started.rst": Preparation(
        typed=f"{PASSWORD}\n", files={"vault.yml": f"mstr_password: {PASSWORD}\n"}
    ),
    "docs/docsite/rst/guide_life_of_a_runtime.rst": Preparation(profile="playground"),
    "docs/docsite/rst/guide_many_environments.rst": Preparation(
        servers={f"{name}.{HOST}": [] for name in ("dev-eu", "test-eu", "prod-eu", "prod-us")},
    ),
    "docs/docsite/rst/guide_policy.rst": Preparation(
        profile="newest",
        runtimes=[OLD],
        projects=[
            {
                "name": "Sales",
                "scripts": [{"name": name, "runtime": OLD["name"]} for name in ("Load sales", "Month end")],
                "tasks": [{"script": "Load sales", "schedule": "nightly"}],
            }
        ],
        warnings=["are not restored"],
    ),
    "docs/docsite/rst/guide_pipelines.rst": Preparation(options=["-i", "inventory.yml"]),
    "docs/docsite/rst/guide_runtimes_as_code.rst": Preparation(
        runtimes=[NIGHTLY, {"name": "Strategy samples"}, {"name": "Trial of 2024"}],
        files={"backups/production.20261130T041500Z.yml": "restore: true\nruntimes: [{name: Nightly reports}]\n"},
        warnings=["These runtimes are not in the backup"],
    ),
    "docs/docsite/rst/guide_troubleshooting.rst": Preparation(runtimes=[NIGHTLY]),
    "plugins/filter/requirements_packages.py": Preparation(files={"requirements.txt": "pandas==2.2.3\n"}),
    "plugins/modules/mstr_runtime_info.py": Preparation(
        runtimes=[NIGHTLY],
        projects=[{"name": "Sales", "scripts": [{"name": "Load", "runtime": "Nightly reports"}]}, {"name": "Finance"}],
    ),
    "plugins/modules/mstr_script_runtime.py": Preparation(
        runtimes=[{"name": "Reports 3.10"}, {"name": "Reports 3.12"}],
        projects=[
            {
                "name": "Sales",
                "scripts": [
                    {"name": "Month end", "runtime": "Reports 3.10"},
                    {"name": "Load", "id": "5C1E7A2B4D0F4E2A9B1C2D3E4F506172", "runtime": "Reports 3.10"},
                    {"name": "Old", "runtime": "3B9A7C7E4D0F4E2A9B1C2D3E4F506172"},
                ],
            }
        ],
    ),
    "plugins/modules/mstr_runtimes.py": Preparation(
        runtimes=[NIGHTLY, {"name": "Forecasts"}, {"name": "Trial of 2024"}, {"name": "Strategy samples"}],
        projects=[{"name": "Sales", "scripts": [{"name": "Load sales", "runtime": "Forecasts"}]}],
        files={"runtimes.yml": "[{name: Nightly reports}, {name: Forecasts}, {name: Forecasts (3.12)}]\n"},
    ),
    "plugins/modules/mstr_script_run.py": Preparation(
        runtimes=[NIGHTLY], files={"smoke_test.py": "import sys\n\nprint(sys.version)\n"}
    ),
    "plugins/modules/mstr_session.py": Preparation(
        variables={"mstr_base_url": BASE_URL, "mstr_username": USERNAME, "mstr_password": PASSWORD}, environment={}
    ),
}


def of(page: str) -> Preparation:
    """The preparation of a page. Most pages need none."""
    return PAGES.get(page, Preparation())
