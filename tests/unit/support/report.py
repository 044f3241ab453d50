"""Results of audits, from which reports are made."""

from __future__ import annotations

from datetime import date, timedelta

from ansible_collections.mstr.library.plugins.filter.environment_report import environment_report

POLICY = {
    "networks_within": ["10.0.0.0/8", "192.168.0.0/16"],
    "networks_never": ["10.66.0.0/16"],
    "whitelist_required": True,
    "packages_never": ["requests<2.32"],
    "resource_max": {"cpu": 2, "mem": 4096},
}
SOON = (date.today() + timedelta(days=20)).isoformat()
EXEMPTIONS = [
    {"runtime": "(Default)*", "reason": "nobody uses it", "until": "2099-12-31"},
    {
        "runtime": "Nightly reports",
        "rule": "packages_never",
        "value": "requests",
        "reason": "the loader needs it, see ticket 4711",
        "until": SOON,
    },
    {"runtime": "Nightly reports", "value": "8192", "reason": "month end", "until": "2026-01-31"},
    {"runtime": "Nightly Report", "reason": "a new server comes", "until": "2099-12-31"},
]
EXPIRED = "is more than 4096; its exemption expired on 2026-01-31 (month end)"


def runtime(number, name, **fields):
    """A runtime as mstr_runtime_info returns it."""
    packages = [{"name": name, "version": "1.2.3", "status": "installed", "message": None} for name in ("pandas", "x")]
    return {
        "id": f"{number:032X}",
        "name": name,
        "is_default": False,
        "description": "",
        "status": "ready",
        "packages": packages,
        "whitelist": ["10.10.10.0/24", "192.168.1.1/32"],
        "resource": {"cpu": 0.5, "mem": 1024, "disk": None, "proc_count": None},
        "exec_timeout": 600,
        "min_cached_instances": 0,
        "max_cached_instances": 3,
        "runtime_version": "3.10.5",
        "owner": {"id": "54F3D26011D2896560009A8E67019608", "name": "Administrator"},
        "date_created": "2026-01-25T07:29:53.000+0000",
        "date_modified": "2026-11-25T07:29:53.000+0000",
        **fields,
    }


def violation(owner, value, rule, detail="is outside", option="whitelist", **exemption):
    """An entry of the violations that mstr_runtime_info returns; of `exempted` with `reason` and `until`."""
    row = {"name": owner["name"], "id": owner["id"], "option": option, "value": value, "rule": rule, "detail": detail}
    return {**row, **exemption}


def environment(name, quiet=3, base=0):
    """The report on an environment with findings of every kind, and runtimes without any."""
    failed = {"name": "pandas", "version": "2.2.3", "status": "not_installed", "message": "Return code: 1."}
    scripts = [{"name": "Load sales", "project": {"name": "Sales"}, "owner": {"name": "Ada"}}]
    old = {"name": "requests", "version": "2.31.0", "status": "installed", "message": None}
    wide = runtime(
        base,
        "Nightly reports",
        whitelist=["0.0.0.0/0", "10.10.10.0/24", "*"],
        packages=[failed, old],
        resource={"cpu": 0.5, "mem": 8192, "disk": None, "proc_count": None},
        scripts=scripts,
    )
    unpinned = {"name": "requests", "version": None, "status": "installed", "message": None}
    broken = runtime(
        base + 1, "<script>alert(1)</script>", status="error", whitelist=[], scripts=[], packages=[unpinned]
    )
    default = runtime(base + 2, "(Default) MicroStrategy", is_default=True, whitelist=["0.0.0.0/0"])
    calm = [runtime(base + 10 + number, f"Runtime {number:03}") for number in range(quiet)]
    read = {
        "runtimes": [wide, broken, default, *calm],
        "violations": [
            *(violation(wide, "0.0.0.0/0", rule) for rule in list(POLICY)[:2]),
            violation(broken, None, "whitelist_required", "is empty"),
            violation(wide, "*", "networks_never", "cannot be evaluated: it is not a CIDR block"),
            violation(wide, 8192, "resource_max", EXPIRED, "resource.mem"),
        ],
        "exempted": [
            *(
                violation(default, "0.0.0.0/0", rule, reason="nobody uses it", until="2099-12-31")
                for rule in list(POLICY)[:2]
            ),
            violation(
                wide,
                "requests==2.31.0",
                "packages_never",
                "matches requests<2.32",
                "packages",
                reason="the loader needs it, see ticket 4711",
                until=SOON,
            ),
        ],
        "not_evaluated": [
            violation(broken, "requests", "packages_never", "has no version to compare with requests<2.32", "packages")
        ],
        "unread": [{"project": "Finance", "script": None, "error": "the project is not loaded"}],
    }
    changes = [
        {"field": "whitelist", "before": ["0.0.0.0/0", "10.10.10.0/24"], "after": ["10.10.10.0/24", "10.20.0.0/16"]},
        {"field": "packages", "before": [{"name": "pandas", "version": "2.2.3"}], "after": [{"name": "pandas"}]},
        {"field": "resource", "before": {"cpu": 0.5, "mem": 1024}, "after": {"cpu": 0.5, "mem": 2048}},
        {"field": "description", "before": "", "after": "Loads the sales figures"},
    ]
    created = [{"field": "name", "before": None, "after": "Forecasts"}]
    entries = [
        {"name": "Nightly reports", "id": wide["id"], "action": "updated", "error": None, "changes": changes},
        {"name": "Forecasts", "id": None, "action": "created", "error": None, "changes": created},
        *({"name": entry["name"], "id": entry["id"], "action": "none", "error": None, "changes": []} for entry in calm),
    ]
    summary = {"created": 1, "updated": 1, "deleted": 0, "unchanged": quiet, "failed": 0}
    return environment_report(
        {"runtimes": entries, "summary": summary},
        name,
        check_mode=True,
        read=read,
        policy={**POLICY, "exemptions": EXEMPTIONS},
        detail=True,
    )


def many(environments, runtimes):
    """Reports on many environments, each with so many runtimes."""
    return [environment(f"prod-{number:02}", runtimes - 3, number * 1000) for number in range(environments)]


def failed(name):
    """The report on an environment that could not be read."""
    message = "Could not log in: nothing listens at dev.mstr.example.com (Connection refused); check base_url."
    return environment_report(None, name, read={"failed": True, "msg": message}, detail=True)


def plan(name):
    """The report on a check of 104 runtimes: two would be deleted, one updated, and forty failed."""
    used = [{"name": "Load", "project": {"name": "Sales"}}]
    entries = [
        {"name": f"Runtime {number:03}", "id": f"{number:032X}", "action": "none", "changes": [], "error": None}
        for number in range(104)
    ]
    for number, scripts in ((5, []), (50, used)):
        entries[number] |= {"action": "deleted", "scripts": scripts}
    entries[7] |= {"action": "updated", "changes": [{"field": "exec_timeout", "before": 600, "after": 900}]}
    for entry in entries[60:100]:
        entry |= {"action": "failed", "error": {"msg": "The server refused it."}}
    for number, entry in enumerate(entries):
        entry["runtime"] = runtime(number, entry["name"])
    failed = "\n".join(f"runtimes[{number}]: The server refused it." for number in range(60, 100))
    summary = {"created": 0, "updated": 1, "deleted": 2, "unchanged": 61, "failed": 40}
    result = {"runtimes": entries, "summary": summary, "failed": True, "msg": f"40 of 104 runtimes failed:\n{failed}"}
    return environment_report(result, name, check_mode=True, detail=True)
