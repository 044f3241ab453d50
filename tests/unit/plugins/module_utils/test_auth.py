from __future__ import annotations

import os
import sys
import warnings
from types import FunctionType

import pytest
from ansible_collections.mstr.library.plugins.module_utils import auth
from ansible_collections.mstr.library.plugins.module_utils._session.session_string import SessionString, encode
from ansible_collections.mstr.library.plugins.modules import mstr_info
from unit.support.library_server import LibraryServer
from unit.support.make import PASSWORD
from unit.support.module import Run
from unit.support.wire import free_port, reply

PIP = f"{sys.executable} -m pip install requests netaddr"
HERE, OTHER = "https://mstr.example.com/Library", "https://other.example.com/Library"


@pytest.fixture
def server():
    with LibraryServer() as server:
        yield server


@pytest.fixture
def run(monkeypatch, capsys):
    for option in (*auth.argument_spec(), "servers"):
        monkeypatch.delenv(f"MSTR_{option.upper()}", raising=False)
    return Run(monkeypatch, capsys)


def user(server, **more):
    return {"base_url": server.url, "username": "u", "password": PASSWORD, **more}


def user_info(task, _request):
    """A third-party module in one line."""
    return {"user": task.session.get("/sessions/userInfo")["fullName"]}


def module(work=user_info, **how):
    return lambda: auth.run(auth.argument_spec(), work, **how)


def set_variables(monkeypatch, options):
    for name, value in options.items():
        monkeypatch.setenv(f"MSTR_{name.upper()}", value)


def test_module_of_ones_own_in_few_lines(run, server, monkeypatch):
    """An empty variable counts as not set; the login is made with the first call. In process, filters would stay."""
    set_variables(monkeypatch, dict.fromkeys(auth.argument_spec(), ""))
    prepared = run(module(lambda task, request: {"got": request}, prepare=lambda params: "prepared"), **user(server))
    assert (prepared["got"], server.calls) == ("prepared", [])
    before = list(warnings.filters)
    assert run(module(), **user(server))["user"] == "Administrator"
    assert server.calls == ["POST /api/auth/login", "GET /api/sessions/userInfo", "POST /api/auth/logout"]
    assert (run.status, run.warnings, server.open, list(warnings.filters)) == (0, [], 0, before)


@pytest.mark.parametrize("where", ["task", "environment"])
@pytest.mark.parametrize("other", [{}, {"retries": "many"}])
@pytest.mark.parametrize(
    "url",
    ["https://u:in-the/in-the-url@h.x", "u:in-the-url@h.x", "https://h.x/x?password=in-the-url"],
)
def test_secret_in_url_refused_and_never_shown(run, monkeypatch, url, other, where):
    """Ansible shows the options also if it refuses another one."""
    monkeypatch.setenv("MSTR_BASE_URL", url if where == "environment" else "")
    given = {"base_url": url} if where == "task" else {}
    result = run(module(), **given, username="u", password=PASSWORD, **other)
    assert run.status == 1
    assert other or "contains credentials" in result["msg"] or "has a query" in result["msg"]
    assert "in-the-url" not in str(result)
    assert "in-the/" not in str(result)


def test_bug_of_ours_is_said_to_be_ours(run, server, monkeypatch):
    monkeypatch.setattr(mstr_info, "connection_info", lambda *_args: {}["s3cret"])
    result = run(mstr_info.main, **user(server))
    assert result["msg"].startswith("A fault in mstr.library: KeyError in test_auth.py, line ")
    assert result["action"] == "unknown", "it proves nothing"
    assert "s3cret" not in str(result)


def test_check_mode_holds_in_a_module_of_ones_own(run, server):
    """It forgets to ask for check mode."""
    work = lambda task, _request: task.session.send("POST", "/users", {"name": "x"}, operation="create a user")  # noqa: E731
    result = run(module(work), **user(server), check_mode=True)
    assert result["msg"].startswith("Could not create a user: the task runs in check mode")
    assert server.calls == []


BUG = "A fault in this module, not in mstr.library: {} in test_auth.py, line "


@pytest.mark.parametrize(
    ("raised", "sentence", "status"),
    [
        (auth.MstrError("No.", http_status=418), "No.", 418),
        (KeyError("s3cret"), BUG.format("KeyError"), None),
        (RecursionError("x"), BUG.format("RecursionError"), None),
    ],
)
def test_failure_sentence_with_facts_and_logout(run, server, raised, sentence, status):
    def work(task, _request):
        task.session.get("/sessions/userInfo")
        raise raised

    # ansible-test imports this file as a part of the collection.
    theirs = FunctionType(work.__code__, {**globals(), "__package__": "somebody"}, closure=work.__closure__)
    result = run(module(theirs), **user(server))
    assert (run.status, result["failed"], server.open) == (1, True, 0)
    assert result["msg"].startswith(sentence)
    assert (result["error"] or {}).get("http_status") == status
    assert "s3cret" not in str(result)
    assert "Traceback" not in str(result)


@pytest.mark.parametrize(
    ("prefix", "files", "command"),
    [
        ("/venv", (), PIP),
        ("/usr", ("/etc/debian_version",), PIP),
        ("/usr", ("EXTERNALLY-MANAGED", "debian_version"), "sudo apt-get install python3-requests python3-netaddr"),
        ("/usr", ("EXTERNALLY-MANAGED",), PIP.replace("requests", "--break-system-packages requests")),
    ],
)
def test_missing_libraries_and_command(run, server, monkeypatch, prefix, files, command):
    monkeypatch.setattr(auth, "REQUESTS_IMPORT_ERROR", "Traceback: no requests")
    monkeypatch.setattr(sys, "base_prefix", "/usr")
    monkeypatch.setattr(sys, "prefix", prefix)
    monkeypatch.setattr(os.path, "exists", lambda path: path.endswith(files))
    result = run(module(requires={"netaddr": "Traceback: no netaddr"}), **user(server))
    what = f"requests and netaddr cannot be imported by the Python that runs this module, {sys.executable}"
    assert result["msg"].startswith(f"{what}. On the control node, set ansible_python_interpreter: ")
    assert result["msg"].endswith(f" Or install with: {command}")
    assert "Traceback" not in str(result)
    assert server.calls == []


@pytest.mark.parametrize(
    ("variable", "value", "error"),
    [
        ("TIMEOUT", "zzz", "'zzz' is not a number"),
        ("RETRIES", "1.5", "'1.5' is not a whole number"),
        ("VALIDATE_CERTS", "maybe", "'maybe' is not true or false"),
        ("LOGIN_MODE", "guest", "'guest' is not valid; choose standard or ldap or anonymous or api_token or"),
    ],
)
def test_an_invalid_variable_is_named(run, server, monkeypatch, variable, value, error):
    """Also beside other errors; and an option of the task hides it."""

    def prepare(params):
        raise auth.ValidationError(["name is wrong"])

    monkeypatch.setenv(f"MSTR_{variable}", value)
    first, last = run(module(prepare=prepare), **user(server))["msg"].split("\n")
    assert first.startswith(f"the environment variable MSTR_{variable} {error}")
    assert last == "name is wrong"
    good = {"TIMEOUT": 1, "RETRIES": 1, "VALIDATE_CERTS": True, "LOGIN_MODE": "standard"}
    assert "user" in run(module(), **user(server, **{variable.lower(): good[variable]}))


def test_no_log_hides_content_of_warnings(run, server):
    def work(task, _request):
        task.warn("about runtime 'Salaries'")
        task.session.get("/sessions/userInfo")
        return {"name": f"user {PASSWORD}"}

    server.answers["POST /auth/logout"] = reply(500)
    run(module(work), no_log=True, **user(server))
    assert run.warnings == [
        f"A warning about {subject} is not shown, because of no_log: true."
        for subject in ("what the task read or did", "the session")
    ]
    run(module(work), **user(server))
    assert run.warnings[0] == "about runtime 'Salaries'"


@pytest.mark.parametrize("fails", [True, False])
def test_texts_of_server_drive_no_terminal(run, server, fails):
    def work(task, _request):
        task.warn("a \x1b[2Jwarning")
        task.warn("a \x1b[2Jwarning")  # is shown once
        if fails:
            raise auth.MstrError("two\nlines\x1b]0;title\x07 \x9bof \ud83d")
        return {"msg": "two\nlines\x1b]0;title\x07 \x9bof \ud83d"}

    assert run(module(work), **user(server))["msg"] == "two\nlines  of \ufffd"
    assert run.warnings == ["a warning"]


@pytest.mark.parametrize("empty", [None, ""])
def test_null_option_falls_back_to_variable(run, server, monkeypatch, empty):
    given = {"api_token": LibraryServer.API_TOKEN, "base_url": server.url, "timeout": "2.5", "retries": "0"}
    set_variables(monkeypatch, {**given, "validate_certs": "false"})
    seen = []
    options = dict.fromkeys(auth.argument_spec(), empty)
    run(module(lambda task, _: seen.append(dict(task.params)) or user_info(task, _)), **options | {"password": None})
    assert run.status == 0, run.result
    [params] = seen
    assert {name: params[name] for name in given} == {**given, "timeout": 2.5, "retries": 0}
    assert (params["validate_certs"], params["login_mode"], params["session"]) == (False, None, None)


def test_empty_password_of_task_is_a_password(run, server, monkeypatch):
    monkeypatch.setenv("MSTR_PASSWORD", "another")
    server.user.password = ""
    seen = []
    run(module(lambda task, _: seen.append(task.params["password"]) or user_info(task, _)), **user(server, password=""))
    assert (run.status, seen) == (0, [""])
    run(module(lambda task, _: seen.append(task.params["password"]) or {}), **user(server, password=None))
    assert seen == ["", "another"]
    run(module(), base_url=server.url, api_token=LibraryServer.API_TOKEN, username="", password="")
    assert run.status == 0, "it is no second kind of credential"


def test_password_of_proxy_is_secret(run, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"http://somebody:proxy%2Fpassword@127.0.0.1:{free_port()}")
    work = module(lambda task, _: {"all": ["proxy/password", "proxy%2Fpassword"]})
    result = run(work, base_url="http://h.example", username="u", password=PASSWORD)
    assert "password" not in str(result["all"])


def test_nul_refused_by_name_of_option(run, server):
    """The system log does not take it, and no path can have it. No secret is shown."""
    spec = auth.argument_spec(names={"type": "list", "elements": "str"})
    given = user(server, names=["ok", "a\0b"], ca_path="c\0", password="secret-\0-word")
    result = run(lambda: auth.run(spec, user_info), **given)
    what = "contains a NUL character; remove it"
    assert sorted(result["msg"].splitlines())[-3:] == [f"{name} {what}" for name in ("ca_path", "names[1]", "password")]
    assert "secret" not in str(result)
    assert server.calls == []


def test_caller_has_ended(run, server, monkeypatch):
    """Then nothing is printed, nothing more is written, and the session is closed."""
    read, write = os.pipe()
    monkeypatch.setattr(sys, "__stdout__", os.fdopen(write, "w"))

    def work(task, _request):
        task.session.get("/sessions/userInfo")
        os.close(read)
        task.session.send("POST", "/runtimes", {}, operation="write")

    assert run(module(work), **user(server)) == {}
    assert (run.status, server.open) == (1, 0)
    assert "POST /api/runtimes" not in server.calls


def failure(run, variables, **options):
    """The message of a task with these environment variables; empty if it succeeds."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        return run(module(), **options).get("msg", "")


@pytest.mark.parametrize(
    "variables",
    [{"MSTR_BASE_URL": HERE}, {"MSTR_SERVERS": f"{HERE}/api, "}, {"MSTR_BASE_URL": f"{HERE}/", "MSTR_SERVERS": ","}],
)
@pytest.mark.parametrize("secret", ["MSTR_PASSWORD", "MSTR_API_TOKEN", "MSTR_IDENTITY_TOKEN"])
def test_secret_not_sent_to_another_server(run, variables, secret):
    """The error names both addresses. It comes before any request: there is no such server."""
    user = {"username": "u"} if secret == "MSTR_PASSWORD" else {}
    assert failure(run, {**variables, secret: "s3cret-value"}, base_url=OTHER, **user) == (
        f"{secret} of the environment may be sent only to {HERE} (MSTR_BASE_URL and MSTR_SERVERS), not to base_url "
        f"{OTHER}. If that server is right, add it to MSTR_SERVERS, or set {secret[5:].lower()} in the task."
    )


OTHER_LOGINS = {"MSTR_API_TOKEN": "t" * 20, "MSTR_USERNAME": "x", "MSTR_PASSWORD": "y", "MSTR_SESSION": "z"}


@pytest.mark.parametrize(
    ("variables", "options"),
    [
        ({"MSTR_PASSWORD": PASSWORD}, {"username": "u"}),
        ({"MSTR_PASSWORD": PASSWORD, "MSTR_SERVERS": "{url}/,{other}"}, {"username": "u"}),
        ({"MSTR_PASSWORD": PASSWORD, "MSTR_BASE_URL": OTHER, "MSTR_SERVERS": "{url}/app"}, {"username": "u"}),
        ({"MSTR_USERNAME": "u", "MSTR_BASE_URL": OTHER, "MSTR_PASSWORD": "another"}, {"password": PASSWORD}),
        ({"MSTR_BASE_URL": OTHER, "MSTR_PASSWORD": "x"}, {"login_mode": "anonymous"}),
        (OTHER_LOGINS, {"username": "u", "password": PASSWORD}),
        (OTHER_LOGINS, {"api_token": LibraryServer.API_TOKEN}),
    ],
)
def test_what_may_be_sent(run, server, variables, options):
    """A task that has a whole login takes no part of another one from the environment."""
    variables = {name: value.format(url=server.url, other=OTHER) for name, value in variables.items()}
    assert failure(run, variables, base_url=server.url, **options) == ""


def test_session_carries_its_address(run, server):
    """It is used where it belongs, and after its end nothing of the environment is sent there."""
    variables = {"MSTR_USERNAME": "u", "MSTR_PASSWORD": PASSWORD, "MSTR_BASE_URL": OTHER}
    session = encode(SessionString(server.url, "t" * 20, []))
    assert "session" in failure(run, variables, base_url=server.url, session=session)
    assert "POST /api/auth/login" not in server.calls


def test_invalid_server(run):
    variables = {"MSTR_PASSWORD": PASSWORD, "MSTR_SERVERS": "https://u:pw@h, x"}
    assert failure(run, variables, base_url=OTHER, username="u").splitlines() == [
        "MSTR_SERVERS '…@h' contains credentials; put them in username and password",
        "MSTR_SERVERS 'x' is not an http or https URL, such as https://mstr.example.com/MicroStrategyLibrary",
    ]
