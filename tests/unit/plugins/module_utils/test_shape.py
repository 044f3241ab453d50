"""What a record keeps of a response."""

from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._probe.shape import HEADERS, KINDS, WORDS, recorded, shape_of
from ansible_collections.mstr.library.plugins.module_utils._session.response import Response

SECRETS = [
    *("correct-horse-41", "1", "10.1.2.3", "ready ", "ERR009 for admin", "11.6.1000.00123 on prod", "2026-12-01"),
    *("0F35652CA7D041978BF0CBCB67531203", "10.0.0.0/8", "::1", "päss\n", "a" * 5000, 4711, 0.25),
]
PLAIN_KEYS = ["name", "version", "versions", "code", "iServerCode", "status"]
KEYS = [*PLAIN_KEYS[:3], "a.b", "", "host name", "x" * 41]


def written(value):
    """Every key and value of a record."""
    if isinstance(value, dict):
        return [*value, *(inner for entry in value.values() for inner in written(entry))]
    return [inner for entry in value for inner in written(entry)] if isinstance(value, list) else [value]


@pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: str(secret)[:20])
@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_only_allowed_words_are_written(secret, key):
    """Wherever the secret stands, also as a key."""
    shape = shape_of({key: secret, "list": [secret, {key: [secret]}], "inner": {str(secret): {key: secret}}})
    assert {*written(shape)} <= {"list", "inner", *PLAIN_KEYS, *KINDS, *WORDS}


@pytest.mark.parametrize(
    ("value", "key", "shape"),
    [
        ("ready", "status", "ready"),
        ("Etl", "name", "<name>"),
        ("0F35652CA7D041978BF0CBCB67531203", "id", "<id>"),
        ("3f2504e0-4f89-11d3-9a0c-0305e82c3301", "ticketId", "<id>"),
        ("2022-08-31T07:29:53.000+0000", "dateModified", "<date>"),
        ("10.10.10.7/24", "whitelist", "<cidr>"),
        ("11.6.1000.00123", "iServerVersion", "11.6.1000.00123"),
        ("3.12.4", "runtimeVersion", "3.12.4"),
        ("ERR0015", "code", "ERR0015"),
        ("ERR0015", "name", "<name>"),
        (-2147216959, "iServerCode", -2147216959),
        (-2147216959, "id", "<number>"),
        ("0.2", "cpu", "<number as text>"),
        ([{"name": "a"}, {"name": "b"}, {"name": "c", "status": "busy"}], "packages",
         [{"name": "<name>"}, {"name": "<name>", "status": "busy"}]),
        ({"some.user": 1, "tooManyCooks": 2}, "", {"<key>": "<number>", "tooManyCooks": "<number>"}),
    ],
)  # fmt: skip
def test_kinds(value, key, shape):
    assert shape_of(value, key) == shape


def test_a_call():
    headers = {"set-cookie": "JSESSIONID=secret", "Content-Type": "application/json", "X-Host": "node-7"}
    response = Response("GET /api/runtimes/0F35652CA7D041978BF0CBCB67531203", 200, headers, b'{"name": "Etl"}')
    assert recorded(response, 12) == {
        "method": "GET",
        "path": "/api/runtimes/{id}",
        "status": 200,
        "milliseconds": 12,
        "headers": ["Content-Type", "Set-Cookie"],
        "body": {"name": "<name>"},
    }
    assert {"Set-Cookie", "X-MSTR-AuthToken"} <= {*HEADERS}


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        (b"", None),
        (b"<html>secret</html>", "<no JSON>"),
        (b"[" * 200 + b"]" * 200, "<no JSON>"),
        (b"\xff", "<no JSON>"),
    ],
)
def test_a_body_that_is_no_object(body, shape):
    assert recorded(Response("GET /api/status", 502, {}, body), 1)["body"] == shape
