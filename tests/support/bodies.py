"""Responses that are hard to read."""

from __future__ import annotations

import gzip
import zlib


def packed(megabytes: int, *, twice: bool = False) -> str:
    """A response of a few kB, or of a hundred, with blanks that unpack to many megabytes."""
    packer = zlib.compressobj(wbits=31)
    once = b"".join(packer.compress(b" " * (1 << 20)) for _mb in range(megabytes)) + packer.flush()
    return _with_codings("gzip, gzip", gzip.compress(once)) if twice else _with_codings("gzip", once)


def _with_codings(codings: str, body: bytes) -> str:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {codings}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head + body.decode("latin-1")
