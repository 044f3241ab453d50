"""The vendor's client mstrio-py, against the simulator. If they do not work together, the simulator is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from mstrio.connection import Connection, LoginMode
from mstrio.helpers import IServerError, VersionException
from mstrio.python_execution.runtime import Runtime, get_runtime_versions, list_runtimes
from simulator.harness import Simulator

from contract.vocabulary import FULL, for_mstrio, known, of_mstrio


def refused(number: int) -> Any:
    """Expect an error of the API with this number: some releases print ERR0015, others ERR015."""
    return pytest.raises(IServerError, match=rf"code: 'ERR0*{number}'")


# --- sessions


@pytest.mark.parametrize("mode", ["standard", "ldap", "api_token", "delegate"])
def test_login_and_logout(server: Simulator, mode: str) -> None:
    username = "ldap.admin" if mode == "ldap" else server.username
    credentials: dict[str, dict[str, Any]] = {
        "standard": {"username": server.username, "password": server.password, "login_mode": LoginMode.STANDARD},
        "ldap": {"username": username, "password": server.users[username]["password"], "login_mode": LoginMode.LDAP},
        "api_token": {"api_token": server.api_token},
        "delegate": {"identity_token": server.identity_token},
    }

    connection = Connection(server.base_url, **credentials[mode], verbose=False)

    (session,) = server.open_sessions()
    assert (session["user"], session["mode"]) == (username, mode)
    assert connection.user_id == server.users[username]["id"]
    assert connection.timeout == 1800
    assert connection.status()
    connection.close()
    assert server.open_sessions() == []


def test_guest_login(server: Simulator, switches: dict[str, Any]) -> None:
    if switches["guest_login"] == "no":
        with refused(3):
            Connection(server.base_url, login_mode=LoginMode.ANONYMOUS, verbose=False)
        return
    with Connection(server.base_url, login_mode=LoginMode.ANONYMOUS, verbose=False) as connection:
        assert connection.user_id == server.users["guest"]["id"]
    assert server.open_sessions() == []


def test_tokens_open_sessions(mstrio: Connection, server: Simulator) -> None:
    others = [
        Connection(server.base_url, api_token=server.api_token, verbose=False),
        Connection(server.base_url, identity_token=mstrio.get_identity_token(), verbose=False),
    ]
    assert [session["mode"] for session in server.open_sessions()] == ["standard", "api_token", "delegate"]
    assert others[1].validate_identity_token()
    assert {other.user_id for other in others} == {mstrio.user_id}
    others[0].close()


def test_logout_of_shared_session(mstrio: Connection, server: Simulator, switches: dict[str, Any]) -> None:
    Connection(server.base_url, identity_token=mstrio.get_identity_token(), verbose=False).close()
    assert mstrio.status() is (switches["delegated_logout"] == "separate")


def test_ended_session_renewed(mstrio: Connection, server: Simulator) -> None:
    """A session without its cookies has ended, too."""
    server.expire_sessions()
    assert not mstrio.status()
    with refused(9):
        list_runtimes(mstrio)
    mstrio.renew()
    assert list_runtimes(mstrio)
    mstrio._session.cookies.clear()
    with refused(9):
        list_runtimes(mstrio)


def test_status_has_version(mstrio: Connection, switches: dict[str, Any]) -> None:
    version = switches["iserver_version"][:9] if switches["status_call"] == "open" else None
    assert mstrio.iserver_version == version


# --- runtimes


def test_create_read_list(mstrio: Connection, switches: dict[str, Any]) -> None:
    wanted = known(FULL, switches)

    created = Runtime.create(mstrio, **for_mstrio(wanted))

    (listed,) = list_runtimes(mstrio, name=wanted["name"])
    for runtime in (created, Runtime(mstrio, id=created.id), Runtime(mstrio, name=wanted["name"]), listed):
        assert runtime.id == created.id
        assert of_mstrio(runtime) == wanted
        assert runtime.status in ("ready", "unknown")


def test_journal_comments(mstrio: Connection, server: Simulator, switches: dict[str, Any]) -> None:
    if switches["change_journal"] == "no":
        with pytest.raises(IServerError, match="changeJournal"):
            Runtime.create(mstrio, "Witness", journal_comment="made")
        # The client does not send a comment with a delete to an old release.
        with pytest.raises(VersionException, match=r"11\.5\.0300"):
            Runtime.create(mstrio, "Witness").delete(force=True, journal_comment="gone")
        return
    runtime = Runtime.create(mstrio, "Witness", journal_comment="made")
    runtime.alter(description="new", journal_comment="changed")
    runtime.delete(force=True, journal_comment="gone")
    entries = [(entry["action"], entry["comment"]) for entry in server.journal()]
    assert entries == [("create", "made"), ("update", "changed"), ("delete", "gone")]


def test_versions(mstrio: Connection, switches: dict[str, Any]) -> None:
    if switches["versions_call"] == "yes":
        assert get_runtime_versions(mstrio) == switches["python_versions"]
    else:
        # These two responses show the client that a release does not have this call.
        with pytest.raises(VersionException, match="not supported on this version"):
            get_runtime_versions(mstrio)


def test_second_runtime_of_a_name(mstrio: Connection, switches: dict[str, Any]) -> None:
    Runtime.create(mstrio, "Witness")
    if switches["duplicate_names"] == "allow":
        Runtime.create(mstrio, "Witness")
        with pytest.raises(ValueError, match="Found 2 hits"):
            Runtime(mstrio, name="Witness")
        return
    with refused(15):
        Runtime.create(mstrio, "Witness")


def test_create_needs_privilege(server: Simulator) -> None:
    viewer = server.users["viewer"]
    with Connection(server.base_url, viewer["username"], viewer["password"], verbose=False) as viewing, refused(14):
        Runtime.create(viewing, "Witness")
    assert server.runtimes() == []
