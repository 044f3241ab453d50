"""On which runtime the code runs."""

from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.modules.mstr_script_run import prepare
from unit.support.make import ID, faults_of


def options(**given):
    return {"code": "1", "runtime": None, "run_timeout": 600.0, **given}


@pytest.mark.parametrize(
    ("runtime", "identity", "name"),
    [(ID.lower(), ID, None), ("Nightly reports", None, "Nightly reports"), (None, None, None)],
)
def test_runtime_by_name_or_id(runtime, identity, name):
    """32 hexadecimal digits are an id, everything else is a name, and without either it is the default runtime."""
    script = prepare(options(runtime=runtime))
    assert (script.runtime_id, script.runtime_name) == (identity, name)


def test_all_errors_at_once():
    assert faults_of(prepare, options(code=" ", runtime="", run_timeout=0.0)) == (
        "code is empty",
        "run_timeout must be more than 0 seconds, not 0.0",
        "runtime is empty; omit it to use the default runtime",
    )
