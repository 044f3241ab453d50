from __future__ import annotations

import unicodedata

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ApiError, AuthError
from ansible_collections.mstr.library.plugins.module_utils._session import failures as _failures
from ansible_collections.mstr.library.plugins.module_utils._session import response as _response
from ansible_collections.mstr.library.tests.unit.support.make import URL, response
from ansible_collections.mstr.library.tests.unit.support.strategies import ANY_JSON
from hypothesis import given
from hypothesis import strategies as st

DENIED = {"code": "ERR0014", "message": "No privilege.", "ticketId": "b9a4", "iServerCode": -2147214568}


def error(status, body=b"", **how):
    return _failures.api_error(response(status, body, **how), "create the runtime 'x'", URL)


def test_refusal_names_operation_and_quotes_server():
    denied = error(403, DENIED, request="POST /api/runtimes")
    assert denied.sentence == (
        f"Could not create the runtime 'x': {URL} answered 403 to POST /api/runtimes: 'No privilege.' "
        "(ERR0014, ticket b9a4). The user needs the privilege 'Manage runtime' and a licence for the API."
    )
    assert denied.error == {
        "http_status": 403,
        "code": "ERR0014",
        "message": "No privilege.",
        "iserver_code": -2147214568,
        "ticket_id": "b9a4",
        "request": "POST /api/runtimes",
    }


def test_wrapped_errors_are_read_too():
    assert error(403, {"errors": [DENIED]}).error == error(403, DENIED).error


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "with an empty body"),
        (b" \n", "with an empty body"),
        (b"<html><title>Bad\nGateway</title>", "with an HTML page, title 'Bad Gateway'"),
        (b"\n<!DOCTYPE html><p>x", "with an HTML page"),
        (b'{"code": ', "with broken JSON"),
        (b"[" * 100_000, "with broken JSON"),
        (b"[]", "with unexpected JSON (a list)"),
        (b"null", "with unexpected JSON (null)"),
        (b"5", "with unexpected JSON (a number)"),
        (b"true", "with unexpected JSON (true or false)"),
        (b'"no"', "with unexpected JSON (a text)"),
        (b'{"errors": [null]}', "with unexpected JSON (an object)"),
        (b"\xff\xfe\x00", "with something other than JSON (no content type)"),
        (b"plain", "with something other than JSON (no content type)"),
    ],
)
def test_foreign_error_page_named_and_not_quoted(body, words):
    assert f"answered 502 to GET /api/runtimes {words}" in error(502, body).sentence


def test_a_content_type_is_named():
    assert "other than JSON (text/plain)" in error(502, b"plain", headers={"Content-Type": "text/plain"}).sentence


@pytest.mark.parametrize(
    ("body", "words"), [({"code": "ERR001"}, "ERR001"), ({"code": "", "message": "", "ticketId": "b9a4"}, "b9a4")]
)
def test_code_and_ticket_without_message(body, words):
    assert words in error(500, body).sentence


@pytest.mark.parametrize(
    ("status", "body", "advice"),
    [
        (401, {"code": "ERR003", "message": "m"}, "Check the credentials and login_mode."),
        (401, {"code": "ERR009", "message": "m"}, "The session has ended"),
        (401, b"", "Check the credentials and login_mode."),
        (403, {"code": "ERR014", "message": "m"}, "'Manage runtime' and a licence"),
        (403, {"code": "ERR0017", "message": "m"}, "permission on this object"),
        (403, b"", "may lack the privilege 'Manage runtime'"),
        (404, {"code": "ERR004", "message": "HTTP 404 Not Found"}, "may not have this call"),
        (404, b"", "Check that base_url is the URL of the Library server"),
        (405, {"code": "ERR001", "message": "HTTP 405 Method Not Allowed"}, "may not have this call"),
        (429, b"", "try again later"),
        (503, b"", "try again later"),
    ],
)
def test_sentence_ends_with_what_to_do(status, body, advice):
    assert advice in error(status, body).sentence


@pytest.mark.parametrize(
    ("status", "body"), [(404, b"<html>"), (404, {"code": "ERR004", "message": "HTTP 404 Not Found"}), (405, b"")]
)
def test_login_not_found_says_how_base_url_usually_ends(status, body):
    def sentence(server, request="POST /api/auth/login"):
        return _failures.api_error(response(status, body, request=request), "log in", server).sentence

    end = "It usually ends in /MicroStrategyLibrary."
    assert sentence("https://h.example").endswith(f"and that no gateway answers in its place. {end}")
    assert end not in sentence("https://h.example/MicroStrategyLibrary")
    assert "release" not in sentence("https://h.example")
    assert "This release of the server may not have this call" in sentence("https://h.example", "GET /api/runtimes")


@pytest.mark.parametrize(
    "message",
    [
        "Login failed: the max # of sessions (2) of user 'admin' is reached.",
        "The maximum number of sessions for this user is exceeded",
        "Session limit reached",
        "Too many sessions",
    ],
)
@pytest.mark.parametrize("code", ["ERR003", "ERR001"])
def test_a_session_limit_gives_advice(code, message):
    refused = error(401, {"code": code, "message": message}).sentence
    assert "End other sessions of this user, wait until they time out on the server, or raise the limit" in refused
    assert "credentials" not in refused


@pytest.mark.parametrize("message", ["Login failure", "The session timed out", "maximum length of a name exceeded"])
def test_other_messages_not_about_session_limit(message):
    assert "Check the credentials" in error(401, {"code": "ERR003", "message": message}).sentence


@pytest.mark.parametrize(("server", "hinted"), [("http://h.example", True), ("https://h.example", False)])
def test_bad_request_in_plain_http_suggests_https(server, hinted):
    """What Tomcat, nginx and Apache answer on a TLS port."""
    bad = _failures.api_error(response(400, b"<title>400 The plain HTTP request was sent</title>"), "log in", server)
    assert ("If this port uses TLS, write https:// in base_url." in bad.sentence) is hinted
    ours = _failures.api_error(response(400, {"code": "ERR006", "message": "m"}), "log in", server)
    assert "https://" not in ours.sentence.replace(server, "")


def test_no_advice_if_message_of_server_sufficient():
    assert error(404, {"code": "ERR004", "message": "No such runtime."}).sentence.endswith("(ERR004).")


def test_redirect_names_target_without_what_may_be_secret():
    moved = error(302, headers={"Location": "http://user:pw@evil.example/login?token=abc#x"})
    assert "a redirect to http://evil.example/login, which is not followed" in moved.sentence
    assert "set base_url" in moved.sentence
    for secret in ("user", "pw@", "abc"):
        assert secret not in moved.sentence


@pytest.mark.parametrize(
    ("location", "words"),
    [("", "a redirect to no target"), ("http://[::1", "a redirect to an invalid URL"), ("/app", "a redirect to /app,")],
)
def test_redirect_to_anything_sentence(location, words):
    assert words in error(302, headers={"Location": location}).sentence


@pytest.mark.parametrize(
    ("status", "request_", "unknown"),
    [
        (500, "POST /x", True),
        (502, "PATCH /x", True),
        (103, "POST /x", True),
        (500, "GET /x", False),
        (400, "POST /x", False),
    ],
)
def test_write_ended_in_5xx_or_without_final_response_unclear(status, request_, unknown):
    assert error(status, request=request_).outcome_unknown is unknown


def test_only_401_is_about_session():
    assert isinstance(error(401), AuthError)
    assert not isinstance(error(403), AuthError)
    assert isinstance(error(403), ApiError)


def test_secret_server_repeats_masked_everywhere():
    body = {"code": "s3cret", "message": "bad s3cret", "ticketId": "s3cret"}
    assert "s3cret" not in str(error(400, body, secrets=("s3cret",)).to_result())
    assert "s3cret" not in error(502, b"<html><title>s3cret</title>", secrets=("s3cret",)).sentence
    moved = error(302, headers={"Location": "http://h/s3cret"}, secrets=("s3cret",))
    assert "s3cret" not in moved.sentence


ERROR_FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "code": ANY_JSON,
        "message": ANY_JSON | st.just("\x1b[2Js3cret\n"),
        "ticketId": ANY_JSON,
        "iServerCode": ANY_JSON,
        "errors": st.lists(ANY_JSON, max_size=2),
    },
)


@given(st.integers(300, 599), ANY_JSON | ERROR_FIELDS | ERROR_FIELDS.map(lambda entry: {"errors": [entry]}))
def test_any_json_at_all_as_error_body_gives_one_clean_sentence(status, body):
    failed = error(status, body, secrets=("s3cret",))
    assert failed.sentence.startswith("Could not create the runtime 'x': ")
    assert f"{URL} answered {status} to GET /api/runtimes" in failed.sentence
    assert failed.sentence.endswith(".")
    assert "s3cret" not in str(failed.to_result())
    texts = [failed.sentence, *(value for value in failed.error.values() if isinstance(value, str))]
    assert not [char for text in texts for char in text if unicodedata.category(char) in ("Cc", "Cs")]


@given(st.binary(max_size=200))
def test_any_bytes_at_all_are_named(body):
    assert _failures.body_of(response(500, body))


@pytest.mark.parametrize("depth", [2_000, 100_000])
def test_json_nested_too_deep_refused_before_it_breaks_something(depth):
    with pytest.raises(ValueError, match="deep"):
        response(200, b"[" * depth + b"]" * depth).data()


def test_json_of_a_usual_depth_is_read():
    assert response(200, {"a": [{"b": [["[[[["]]}]}).data() == {"a": [{"b": [["[[[["]]}]}
    assert response(200, b" ").data() is None


def test_success_of_unexpected_shape():
    """A success of unexpected shape is unknown and names the expected one."""
    wrong = _failures.api_error(response(200, b"<html>", request="POST /x"), "log in", URL, "a token")
    assert "answered 200 to POST /x with an HTML page instead of a token" in wrong.sentence
    assert wrong.outcome_unknown
    assert wrong.status == 200


@pytest.mark.parametrize(
    ("status", "body", "no_object", "no_call"),
    [
        (404, {"code": "ERR004", "message": "gone"}, True, False),
        (404, {"code": "ERR004", "message": "HTTP 404 Not Found"}, False, True),
        (404, b"<html>", False, True),
        (405, {"code": "ERR001", "message": "HTTP 405 Method Not Allowed"}, False, True),
        (400, {"code": "ERR004", "message": "x"}, False, False),
        (500, b"", False, False),
    ],
)
def test_no_such_object_differs_from_no_such_call(status, body, no_object, no_call):
    assert _response.says_no_such_object(error(status, body)) is no_object
    assert _response.says_no_such_call(error(status, body)) is no_call


def test_only_2xx_is_a_yes():
    assert [status for status in (199, 200, 204, 299, 300, 302, 404, 500) if response(status).ok] == [200, 204, 299]


@pytest.mark.parametrize(
    ("body", "data"),
    [
        (rb'{"a": "cut \ud83d"}', {"a": "cut \ufffd"}),
        (rb'["\uDE00\ud83d", "\ud83d\ude00", "\\ud83d"]', ["\ufffd\ufffd", "\U0001f600", r"\ud83d"]),
        (b'{"\xed\xa0\xbd": 1}', {"\ufffd": 1}),
        (b"\xef\xbb\xbf[1]", [1]),
    ],
    ids=["cut", "pairs", "raw", "BOM"],
)
def test_half_character_becomes_whole_one(body, data):
    """ansible-core 2.19 and newer refuse a result with it, after the work was done."""
    assert response(body=body).data() == data


@pytest.mark.parametrize(
    ("identity", "fits"),
    [
        ("3B9A7C7E4D0F4E2A9B1C2D3E4F506172", True),
        (5, True),
        ("{3B9A7C7E-4D0F}", True),
        ("", False),
        ("..", False),
        ("a/../b", False),
        ("a?b", False),
        ("a#b", False),
        ("a%2fb", False),
        ("a b\x1b[2J", False),
        ({"x": 1}, False),
    ],
)
def test_only_id_can_be_in_path_one(identity, fits):
    assert (_response.id_in({"id": identity}) is not None) is fits
    assert bool(_response.OBJECT_WITH_ID.fits({"id": identity})) is fits
