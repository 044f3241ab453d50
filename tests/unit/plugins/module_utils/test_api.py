from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ApiError
from ansible_collections.mstr.library.plugins.module_utils._work.api import ALL_FIELDS
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
        answering(response_data).get(ID)
    with pytest.raises(ApiError, match="Could not list the runtime versions"):
        _ = answering(response_data).versions


def test_missing_call_is_no_missing_runtime():
    server = Server(stored())
    server.fail("GET", NO_SUCH_CALL)
    with pytest.raises(ApiError):
        server.api.get(ID)
    assert server.api.get(OTHER_ID) is None


def test_read_only_where_the_list_lacks_a_needed_field():
    server = Server(stored())
    server.switch(list_omits="whitelist")
    api = server.api
    [_default, listed] = api.list_all()
    assert api.with_all_fields(listed, ["name", "packages"]) is listed
    assert api.with_all_fields(listed, ["whitelist"]).values["whitelist"] == ()
    assert api.with_all_fields(None, ["whitelist"]) is None
    assert server.requests == ["GET /runtimes", f"GET /runtimes/{ID}"]
    # A newer field, which an older release does not return, causes no read.
    assert "execution_target" not in ALL_FIELDS
    assert {"whitelist", "resource", "packages"} <= set(ALL_FIELDS)
    del server.runtimes[ID]
    assert api.with_all_fields(listed, ["whitelist"]) is None


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
        answering(stored(id=answered)).get(ID)
    assert answering(stored(id=ID.lower())).get(ID).name == "r"


def test_runtime_listed_twice():
    server = Server()
    server.rewrite = lambda call, data: {"runtimes": [stored(), stored(id=ID.lower()), stored(id=OTHER_ID)]}
    assert [runtime.key for runtime in server.api.list_all()] == [ID, OTHER_ID]


def test_id_is_quoted_in_a_path():
    server = Server()
    with pytest.raises(ApiError):
        server.api.get("a/../b?c")
    assert server.requests == ["GET /runtimes/a%2F..%2Fb%3Fc"]
