from __future__ import annotations

import base64
import html
import json
import re
import unicodedata
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import AuthError, MstrError
from ansible_collections.mstr.library.plugins.module_utils._session import failures as _failures
from ansible_collections.mstr.library.plugins.module_utils._session import response as _response
from ansible_collections.mstr.library.plugins.module_utils._text import clean, with_escaped_forms
from hypothesis import given
from hypothesis import strategies as st
from unit.support.make import URL, response
from unit.support.strategies import ANY_JSON

DENIED = {"code": "ERR0014", "message": "No privilege.", "ticketId": "b9a4", "iServerCode": -2147214568}
NO_CALL = "HTTP 404 Not Found"
VALUES = ANY_JSON | st.just("\x1b[2Js3cret\n")
ERROR_FIELDS = st.dictionaries(st.sampled_from(["code", "message", "ticketId", "iServerCode", "errors"]), VALUES)


def error(status, body=b"", **how):
    return _failures.api_error(response(status, body, **how), "create the runtime 'x'", URL)


def coded(code, message="m"):
    return {"code": code, "message": message}


def test_refusal_names_operation_and_quotes_server():
    denied = error(403, DENIED, request="POST /api/runtimes")
    assert denied.sentence == (
        f"Could not create the runtime 'x': {URL} answered 403 to POST /api/runtimes: 'No privilege.' "
        "(ERR0014, ticket b9a4). The user needs the privilege 'Manage runtime', for scripts also the privilege "
        "to use Python scripts, and a licence for the API."
    )
    known = {"http_status": 403, "code": "ERR0014", "message": "No privilege.", "ticket_id": "b9a4"}
    assert denied.error == {**known, "iserver_code": -2147214568, "request": "POST /api/runtimes"}
    assert error(403, {"errors": [DENIED]}, request="POST /api/runtimes").error == denied.error, "a wrapped one"


@pytest.mark.parametrize(("code", "unknown"), [("ERR0015", False), ("ERR015", False), ("ERR001", True), (None, True)])
def test_name_that_exists_was_refused(code, unknown):
    """The schema has no 409: whatever the status is, the code says that nothing was done."""
    assert error(500, {"code": code, "message": "x"}, request="POST /api/runtimes").outcome_unknown is unknown


@pytest.mark.parametrize("field", ["changeJournal", "userComments"])
def test_release_without_comments(field):
    """A PATCH of the vendor's schema has no changeJournal."""
    refused = error(400, {"code": "ERR006", "message": f"The field '{field}' is not known."})
    assert refused.sentence.endswith("This release does not take a comment here: leave out journal_comment.")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b" \n", "with an empty body"),
        (b"<html><title>Bad\nGateway</title>", "with an HTML page, title 'Bad Gateway'"),
        (b'{"code": ', "with broken JSON"),
        (b"[" * 100_000, "with broken JSON"),
        (b'{"message": 1e400}', "with broken JSON"),
        (b"[]", "with unexpected JSON (a list)"),
        (b'{"errors": [null]}', "with unexpected JSON (an object)"),
        (b"\xff\xfe\x00", "with something other than JSON (no content type)"),
        (b"plain", "with something other than JSON (text/plain)"),
    ],
)
def test_foreign_error_page_named_and_not_quoted(body, words):
    headers = {"Content-Type": "text/plain"} if body == b"plain" else None
    assert error(502, body, headers=headers).sentence.endswith(f" answered 502 to GET /api/runtimes {words}.")


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e400", "-1e400"])
def test_number_that_json_does_not_have(number):
    """Whatever field it is in."""
    with pytest.raises(ValueError, match="is not a number of JSON"):
        response(200, f'{{"runtimes": [{{"id": "A", "resource": {{"cpu": {number}}}}}]}}'.encode()).data()


@pytest.mark.parametrize(
    ("status", "body", "advice"),
    [
        (500, {"code": "ERR001"}, "ERR001"),
        (401, coded("ERR003"), "Check the credentials and login_mode."),
        (401, coded("ERR009"), "The session has ended"),
        (401, b"", "Check the credentials and login_mode."),
        (403, coded("ERR0017"), "permission on this object"),
        (404, coded("ERR004", "No such runtime."), "'No such runtime.' (ERR004)."),
        (404, coded("ERR004", NO_CALL), "may not have this call"),
        (404, b"", "Check that base_url is the URL of the Library server"),
        (405, coded("ERR001", "HTTP 405 Method Not Allowed"), "may not have this call"),
        (503, b"", "try again later"),
    ],
)
def test_sentence_ends_with_what_to_do(status, body, advice):
    assert advice in error(status, body).sentence.partition(" to GET /api/runtimes")[2]
    assert isinstance(error(status, body), AuthError) is (status == 401)


@pytest.mark.parametrize(("status", "body"), [(404, b"<html>"), (404, coded("ERR004", NO_CALL)), (405, b"")])
def test_login_not_found_says_how_base_url_ends(status, body):
    def sentence(server, request="POST /api/auth/login"):
        return _failures.api_error(response(status, body, request=request), "log in", server).sentence

    start, end = "and that no gateway answers in its place. It", "usually ends in /MicroStrategyLibrary."
    assert sentence("https://h.example").endswith(f"{start} has no path, and {end}")
    assert sentence("https://h.example/other").endswith(f"{start} {end}")
    assert end not in sentence("https://h.example/MicroStrategyLibrary")
    assert "release" not in sentence("https://h.example")
    assert "This release of the server may not have this call" in sentence("https://h.example", "GET /api/runtimes")


@pytest.mark.parametrize(("server", "hinted"), [("http://h.example", True), ("https://h.example", False)])
def test_bad_request_in_plain_http_suggests_https(server, hinted):
    """What Tomcat, nginx and Apache answer on a TLS port."""
    bad = _failures.api_error(response(400, b"<title>400 The plain HTTP request was sent</title>"), "log in", server)
    assert ("If this port uses TLS, write https:// in base_url." in bad.sentence) is hinted
    ours = _failures.api_error(response(400, coded("ERR006")), "log in", server)
    assert "https://" not in ours.sentence.replace(server, "")


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("http://user:pw@evil.example/login?token=abc#x", "to http://evil.example/login, which is not followed"),
        ("", "to no target"),
        ("http://[::1", "to an invalid URL"),
        ("http://h/s3cret", "to http://h/********"),
    ],
)
def test_redirect_names_target_without_secrets(location, words):
    moved = error(302, headers={"Location": location}, secrets=("s3cret",)).sentence
    assert f"a redirect {words}" in moved
    assert "set base_url" in moved
    assert not [secret for secret in ("user", "pw@", "abc", "s3cret") if secret in moved]


@given(st.integers(300, 599), ANY_JSON | ERROR_FIELDS | ERROR_FIELDS.map(lambda entry: {"errors": [entry]}))
def test_any_error_body_gives_one_clean_sentence(status, body):
    failed = error(status, body, secrets=("s3cret",))
    assert failed.sentence.startswith("Could not create the runtime 'x': ")
    assert f"{URL} answered {status} to GET /api/runtimes" in failed.sentence
    assert failed.sentence.endswith(".")
    assert "s3cret" not in str(failed.to_result())
    texts = [failed.sentence, *(value for value in failed.error.values() if isinstance(value, str))]
    assert not [char for text in texts for char in text if unicodedata.category(char) in ("Cc", "Cs")]


@pytest.mark.parametrize(
    ("body", "data"),
    [
        (b" ", None),
        (b'{"a": [{"b": [["[[[["]]}]}', {"a": [{"b": [["[[[["]]}]}),
        (b"\xef\xbb\xbf[1]", [1]),
        # Half a character, which ansible-core 2.19 and newer refuse in a result, after the work was done
        (rb'{"a": "cut \ud83d"}', {"a": "cut \ufffd"}),
    ],
    ids=["empty", "nested", "BOM", "cut"],
)
def test_data_of_a_body(body, data):
    assert response(body=body).data() == data


@pytest.mark.parametrize(
    ("identities", "fits"),
    [
        (["3B9A7C7E4D0F4E2A9B1C2D3E4F506172", 5, "{3B9A7C7E-4D0F}"], True),
        (["", "..", "a/../b", "a?b", "a#b", "a%2fb", "a b\x1b[2J", {"x": 1}], False),
    ],
)
def test_only_an_id_can_be_in_a_path(identities, fits):
    assert {_response.id_in({"id": identity}) is not None for identity in identities} == {fits}
    assert {bool(_response.OBJECT_WITH_ID.fits({"id": identity})) for identity in identities} == {fits}


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("two\nlines\ttab", "two lines tab"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("a\u202eb\u2066c", "a b c"),
        ("x" * 5000, "x" * 981 + "… (5000 characters)"),
        # Secrets are masked before the text is cut, a longer one first.
        ("said s3cret-token aloud, nested-in-s3cret-token", "said ******** aloud, ********"),
        ("split s3cret\x1b[0m-token by a sequence", "split ******** by a sequence"),
        ("s3cret-token" * 2000, "********" * 122 + "****… (24000 characters)"),
    ],
)
def test_foreign_text_one_line_drives_no_terminal(text, cleaned):
    assert clean(text, secrets=["s3cret-token", "nested-in-s3cret-token"]) == cleaned


FORMS = {
    "JSON": json.dumps,
    "JSON with escaped slashes": lambda text: json.dumps(text).replace("/", "\\/"),
    "JSON with capital digits": lambda text: json.dumps(text).replace("00f6", "00F6"),
    "JSON in HTML": lambda text: re.sub("[<>&'=]", lambda match: f"\\u00{ord(match[0]):x}", json.dumps(text)),
    "HTML": html.escape,
    "HTML in ASCII": lambda text: html.escape(text).encode("ascii", "xmlcharrefreplace").decode(),
    "XML": lambda text: escape(text, {"'": "&apos;", '"': "&quot;"}),
    "JSTL": lambda text: escape(text, {"'": "&#039;", '"': "&#034;"}),
    "URL": lambda text: quote(text, safe=""),
    "JavaScript": lambda text: quote(text, safe="!'()*"),
    "URL with small digits": lambda text: re.sub("%..", lambda match: match[0].lower(), quote(text, safe="")),
    "form": quote_plus,
    "Java": lambda text: quote_plus(text, safe="*").replace("~", "%7E"),
    "blanks": lambda text: " ".join(text.split()),
    "base64": lambda text: base64.b64encode(text.encode()).decode().rstrip("=")[:-1],  # what follows changes the last
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_forms_in_which_a_server_repeats_a_secret(form):
    secret = 'Pass/"w\u00f6rd"~  & <m\'ore>!'
    assert form(secret).strip('"') in with_escaped_forms([secret])


@pytest.mark.parametrize(
    ("facts", "error"),
    [({}, None), ({"iserver_code": 0}, {"http_status": None, "iserver_code": 0}), ({"code": "E"}, {"code": "E"})],
)
def test_error_has_every_key_or_is_null(facts, error):
    keys = ("http_status", "code", "message", "iserver_code", "ticket_id", "request")
    shown = MstrError("It failed.", **facts).to_result()
    assert shown == {"msg": "It failed.", "error": error and {**dict.fromkeys(keys), **error}}
