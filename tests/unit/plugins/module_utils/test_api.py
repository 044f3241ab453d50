from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ApiError
from unit.support.make import ID, OTHER_ID, refusal, stored
from unit.support.server import Server

NO_SUCH_CALL = refusal(404, "ERR004", "HTTP 404 Not Found", "GET /api/runtimes/versions")


def answering(response_data):
    server = Server(stored(), versions_call="yes", create_status=200)
    server.rewrite = lambda call, data: response_data
    return server.api


@pytest.mark.parametrize("response_data", [None, [], {"runtimes": None}, {"runtimes": [{}]}, {"id": None}])
def test_unexpected_shapes_refused(response_data):
    with pytest.raises(ApiError, match=r"Could not list the runtimes: .* answered 200 to GET /api/runtimes"):
        answering(response_data).list_all()
    with pytest.raises(ApiError, match="instead of an object with an id"):
        answering(response_data).read(ID)
    with pytest.raises(ApiError, match="Could not list the runtime versions"):
        _ = answering(response_data).versions


def test_missing_call_is_no_missing_runtime():
    server = Server(stored())
    server.fail("GET", NO_SUCH_CALL)
    with pytest.raises(ApiError):
        server.api.read(ID)
    assert server.api.read(OTHER_ID) is None


@pytest.mark.parametrize("how", ["read_if_lacking", "read_unless_never_set"])
def test_read_only_where_the_list_lacks_a_needed_field(how):
    server = Server(stored())
    server.switch(list_omits="whitelist")
    api = server.api
    [_default, listed] = api.list_all()
    read = getattr(api, how)
    server.requests.clear()
    assert read(listed, ["name", "packages"]) is listed
    assert read(listed, ["whitelist"]).values["whitelist"] == ()
    assert server.requests == [f"GET /runtimes/{ID}"]
    del server.runtimes[ID]
    assert read(listed, ["whitelist"]) is None


LEFT_OUT = {"null": lambda entry: entry.update(others=None), "absent": lambda entry: entry.pop("others", None)}


@pytest.mark.parametrize("how", LEFT_OUT)
@pytest.mark.parametrize(("held", "reads"), [("", 1), ("set", 4)])
def test_one_read_decides_what_was_never_set(how, held, reads):
    """If the list shows the field of another runtime. It also shows it where the value was only left out."""
    ids = [f"{number:032X}" for number in range(2, 7)]
    server = Server(*(stored(id=identity, name=identity, others=held) for identity in ids))

    def rewrite(call, data):
        for entry in data.get("runtimes", ())[:-1]:
            LEFT_OUT[how](entry)
        if not held and "runtimes" not in data:
            LEFT_OUT[how](data)

    server.rewrite = lambda call, data: rewrite(call, data) or data
    api = server.api
    default, *listed = api.list_all()
    read = [api.read_unless_never_set(runtime, ["others"]) for runtime in listed]
    assert [runtime.values.get("others") or "" for runtime in read[:-1]] == [held] * 4
    assert len(server.requests) == 1 + reads
    # Whatever is written or deleted is read by its id; and the default runtime decides nothing, and is read.
    api.read_if_lacking(listed[0], ["others"])
    api.read_unless_never_set(default, ["others"])
    assert len(server.requests) == 3 + reads


def test_field_of_no_entry_is_read_each_time():
    """Then nobody knows whether a list has it at all: one that was never set decides nothing about the others."""
    server = Server(stored(others=None), stored(id=OTHER_ID, name="o", others="x"))
    server.switch(list_omits="others")
    api = server.api
    read = [api.read_unless_never_set(runtime, ["others"]) for runtime in api.list_all()[1:]]
    assert [runtime.values.get("others") or "" for runtime in read] == ["", "x"]


@pytest.mark.parametrize("response_data", [NO_SUCH_CALL, refusal(405), refusal(404, "ERR004", "no such object")])
def test_old_release_offers_no_versions(response_data):
    server = Server()
    server.fail("GET", response_data)
    api = server.api
    assert api.versions is api.versions is None
    assert len(server.requests) == 1


@pytest.mark.parametrize("answered", [OTHER_ID, "x"])
def test_answer_with_another_id_refused(answered):
    with pytest.raises(ApiError, match=f"answered with a different runtime, 'r' .{answered}., instead of {ID}"):
        answering(stored(id=answered)).read(ID)
    assert answering(stored(id=ID.lower())).read(ID).name == "r"
