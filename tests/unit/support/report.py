"""Results of audits, from which reports are made."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from ansible_collections.mstr.library.plugins.module_utils._model.python import LAST_DAYS
from ansible_collections.mstr.library.plugins.plugin_utils._reports import environment as environments
from ansible_collections.mstr.library.plugins.plugin_utils._reports.evaluation import rules_of
from ansible_collections.mstr.library.plugins.plugin_utils._reports.formats import FORMATS, Report, parts
from ansible_collections.mstr.library.plugins.plugin_utils._reports.texts import without_controls_in

POLICY = {
    "networks_within": ["10.0.0.0/8", "192.168.0.0/16"],
    "networks_never": ["10.66.0.0/16"],
    "whitelist_required": True,
    "packages_never": ["requests<2.32"],
    "resource_max": {"cpu": 2, "mem": 4096},
}
# Of the branch that is supported for the longest time
PYTHON = f"{list(LAST_DAYS)[-1]}.5"
SOON = (date.today() + timedelta(days=20)).isoformat()
TICKET = {"reason": "the loader needs it, see ticket 4711", "until": SOON}
EXEMPTIONS = [
    {"runtime": "(Default)*", "reason": "nobody uses it", "until": "2099-12-31"},
    {"runtime": "Nightly reports", "rule": "packages_never", "value": "requests", **TICKET},
    {"runtime": "Nightly reports", "value": "8192", "reason": "month end", "until": "2026-01-31"},
    {"runtime": "Nightly Report", "reason": "a new server comes", "until": "2099-12-31"},
]
EXPIRED = "is more than 4096; its exemption expired on 2026-01-31 (month end)"

# An SBOM lists packages, and nothing else that a report says.
SUFFIXES = [suffix for suffix in FORMATS if suffix != "cdx.json"]


def run_of(*reports, kind="audit", check_mode=False, not_reached=()):
    """The report on a run."""
    short = [each._replace(runtimes=()) for each in reports]
    return Report(kind, "2026-11-30T03:00:00+00:00", check_mode, short, lambda: reports, not_reached)


def text_of(*reports, suffix="html", **run):
    """The text of a report file."""
    return "".join(without_controls_in(parts(run_of(*reports, **run), suffix)))


def package(name, version="1.2.3", status="installed", message=None):
    return {"name": name, "version": version, "status": status, "message": message}


def runtime(number, name, **fields):
    """A runtime as mstr_runtime_info returns it."""
    return {
        "id": f"{number:032X}",
        "name": name,
        "is_default": False,
        "description": "",
        "status": "ready",
        "packages": [package("pandas"), package("x")],
        "whitelist": ["10.10.10.0/24", "192.168.1.1/32"],
        "resource": {"cpu": 0.5, "mem": 1024, "disk": None, "proc_count": None},
        "exec_timeout": 600,
        "min_cached_instances": 0,
        "max_cached_instances": 3,
        "runtime_version": PYTHON,
        "owner": {"id": "54F3D26011D2896560009A8E67019608", "name": "Administrator"},
        "date_created": "2026-01-25T07:29:53.000+0000",
        "date_modified": "2026-11-25T07:29:53.000+0000",
        **fields,
    }


DEFAULT = runtime(0xD, "(Default) X", is_default=True, whitelist=[], packages=[], runtime_version=PYTHON)


def violation(owner, value, rule, detail="is outside", option="whitelist", **exemption):
    """An entry of the violations that mstr_runtime_info returns; of `exempted` with `reason` and `until`."""
    row = {"name": owner["name"], "id": owner["id"], "option": option, "value": value, "rule": rule, "detail": detail}
    return {**row, **exemption}


def change(field, before, after):
    return {"field": field, "before": before, "after": after}


def row(name, action="updated", *changes, **more):
    """A row of the result of mstr_runtimes."""
    return {"name": name, "id": "A" * 32, "action": action, "error": None, "changes": list(changes), **more}


def audited(*runtimes, name="e", policy=None, plan=None, refusals=(), **read):
    """The report on an audit that read these runtimes. `plan`: the result of an apply in check mode."""
    read = {"runtimes": [DEFAULT, *runtimes], "violations": [], **read}
    result = {"read": read, "applied": plan, "refusals": refusals}
    return environments.audited(name, result, rules_of(policy))


def planned(*rows, **result):
    """The result of an apply with these rows."""
    counts = Counter({"none": "unchanged", "unknown": "failed"}.get(row["action"], row["action"]) for row in rows)
    return {"runtimes": list(rows), "summary": dict(counts), "failed": False, **result}


def applied(*rows, name="e", check_mode=False, **result):
    """The report on an apply with these rows."""
    return environments.applied(name, planned(*rows, **result), check_mode)


def environment(name, quiet=3, base=0):
    """The report on an environment with findings of every kind, and runtimes without any."""
    wide = runtime(
        base,
        "Nightly reports",
        whitelist=["0.0.0.0/0", "10.10.10.0/24", "*"],
        packages=[package("pandas", "2.2.3", "not_installed", "Return code: 1."), package("requests", "2.31.0")],
        resource={"cpu": 0.5, "mem": 8192, "disk": None, "proc_count": None},
        scripts=[{"name": "Load sales", "project": {"name": "Sales"}, "owner": {"name": "Ada"}}],
    )
    unpinned = {"whitelist": [], "scripts": [], "packages": [package("requests", None)]}
    broken = runtime(base + 1, "<script>alert(1)</script>", status="error", **unpinned)
    default = runtime(base + 2, "(Default) MicroStrategy", is_default=True, whitelist=["0.0.0.0/0"])
    calm = [runtime(base + 10 + number, f"Runtime {number:03}") for number in range(quiet)]
    unused = {"reason": "nobody uses it", "until": "2099-12-31"}
    networks = list(POLICY)[:2]
    read = {
        "runtimes": [wide, broken, default, *calm],
        "violations": [
            *(violation(wide, "0.0.0.0/0", rule) for rule in networks),
            violation(broken, None, "whitelist_required", "is empty"),
            violation(wide, "*", "networks_never", "is unreadable: it is not a CIDR block"),
            violation(wide, 8192, "resource_max", EXPIRED, "resource.mem"),
        ],
        "exempted": [
            *(violation(default, "0.0.0.0/0", rule, **unused) for rule in networks),
            violation(wide, "requests==2.31.0", "packages_never", "matches requests<2.32", "packages", **TICKET),
        ],
        "not_evaluated": [
            violation(broken, "requests", "packages_never", "has no version to compare with requests<2.32", "packages")
        ],
        "unread": [{"project": "Finance", "script": None, "error": {"msg": "the project is not loaded"}}],
    }
    changes = [
        change("whitelist", ["0.0.0.0/0", "10.10.10.0/24"], ["10.10.10.0/24", "10.20.0.0/16"]),
        change("packages", [{"name": "pandas", "version": "2.2.3"}], [{"name": "pandas"}]),
        change("resource", {"cpu": 0.5, "mem": 1024}, {"cpu": 0.5, "mem": 2048}),
        change("description", "", "Loads the sales figures"),
    ]
    rows = [
        row("Nightly reports", "updated", *changes, id=wide["id"]),
        row("Forecasts", "created", change("name", None, "Forecasts"), id=None),
        *(row(entry["name"], "none", id=entry["id"]) for entry in calm),
    ]
    plan = planned(*rows, undefined=[broken])
    return audited(name=name, plan=plan, policy={**POLICY, "exemptions": EXEMPTIONS}, **read)


def many(environments, runtimes):
    """Reports on many environments, each with so many runtimes."""
    return [environment(f"prod-{number:02}", runtimes - 3, number * 1000) for number in range(environments)]


def failed(name):
    """The report on an environment that could not be read."""
    message = "Could not log in: nothing listens at dev.mstr.example.com (Connection refused); check base_url."
    return environments.audited(name, {"failed": True, "msg": message}, {})


def plan(name):
    """The report on a check of 104 runtimes: two would be deleted, one updated, and forty failed."""
    runtimes = [runtime(number, f"Runtime {number:03}") for number in range(104)]
    entries = [row(each["name"], "none", id=each["id"], runtime=each) for each in runtimes]
    entries[5] |= {"action": "deleted", "scripts": []}
    entries[50] |= {"action": "deleted", "scripts": [{"name": "Load", "project": {"name": "Sales"}}]}
    entries[7] |= {"action": "updated", "changes": [change("exec_timeout", 600, 900)]}
    for entry in entries[60:100]:
        entry |= {"action": "failed", "error": {"msg": "The server refused it."}}
    failed = "\n".join(f"runtimes[{number}]: The server refused it." for number in range(60, 100))
    return applied(*entries, name=name, check_mode=True, failed=True, msg=f"40 of 104 runtimes failed:\n{failed}")


def small_plan(name, number, timeout=600):
    """The report on a check that changes one runtime and deletes one; only ids differ, unless the timeout does."""
    old = runtime(number, "Trial of last year", whitelist=["10.20.0.0/16"])
    nightly = runtime(number + 20, "Nightly reports")
    changes = [
        change("exec_timeout", 300, timeout),
        change("whitelist", ["10.1.0.0/16"], ["10.1.0.0/16", "10.2.0.0/16"]),
    ]
    rows = [
        row("Nightly reports", "updated", *changes, id=nightly["id"], runtime=nightly),
        row(old["name"], "deleted", id=old["id"], runtime=old, scripts=[]),
        row("Forecasts", "none", runtime=runtime(number + 40, "Forecasts")),
    ]
    warning = f"The server stores packages of 'Nightly reports' ({nightly['id']}) in a different order."
    return applied(*rows, name=name, check_mode=True, plan_id=f"{number:024x}", warnings=[warning])


def _runtime_of(text):
    """A runtime in which every text that a user can choose is this one."""
    run = {"status": text, "time_triggered": text}
    tasks = [{"active": True, "schedule": {"name": text}, "last_run": run}]
    named = {"name": text}
    script = {**named, "project": named, "owner": named, "tasks": tasks, "last_run": {"time": text, "status": "failed"}}
    fields = dict.fromkeys(("description", "status", "exec_timeout", "runtime_version", "date_modified"), text)
    fields["resource"] = dict.fromkeys(("cpu", "mem", "disk", "proc_count"), text)
    lists = {"whitelist": [text], "packages": [package(text, text, text, text)], "scripts": [script]}
    return runtime(1, text, owner=named, **fields, **lists)


def plan_of(text, name="prod"):
    """The report of a check in which every text that a server or a file may choose is this one."""
    trial, named = _runtime_of(text), {"name": text}
    common = {"id": trial["id"], "runtime": trial, "scripts": trial["scripts"]}
    changes = [
        change("description", "x", text),
        change(text, text, [text]),
        change("whitelist", [text], ["10.0.0.0/8"]),
        change("packages", [package(text, "1")], [package(text, text)]),
        change("resource", {"cpu": text}, {"cpu": 1}),
    ]
    errors = dict.fromkeys(("updated", "created", "deleted"))
    errors |= {action: {"msg": text or "x"} for action in ("failed", "unknown")}
    rows = [row(text, action, *changes, error=error, **common) for action, error in errors.items()]
    moved = {**named, "project": named, "action": "moved", "before": named, "after": named}
    exempted = violation(trial, text, "networks_within", text, reason=text, until="2099-12-31")
    more = {"plan_id": "a" * 24, "exempted": [exempted], "scripts": [moved]}
    return applied(*rows, name=name, check_mode=True, failed=True, msg=text, **more)


def audit_of(text, name="prod"):
    """The report of an audit in which every text is this one."""
    trial, named = _runtime_of(text), {"name": text}
    wrong = violation(trial, text, text, text)
    script = {"project": {"id": "P", **named}, "script": {"id": "S", **named}, "error": {"msg": text}}
    return audited(
        trial,
        name=name,
        policy={**POLICY, "exemptions": [{"runtime": f"{text} too", "reason": f"{text}.", "until": "2099-12-31"}]},
        violations=[wrong],
        exempted=[{**wrong, "reason": text, "until": text}],
        not_evaluated=[wrong],
        dangling=[{**named, "project": named, "runtime_id": text}],
        unread=[script],
    )
