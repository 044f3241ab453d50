"""The command line and the process: it listens, prints its address, and ends by a signal or with its parent."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import json
import os
import signal
import ssl
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from simulator.profiles import PLAYGROUND, SwitchError, profiles
from simulator.tls import SERVERS, make_certificates
from simulator.users import API_TOKEN_OF_ADMIN, IDENTITY_TOKEN_OF_ADMIN, seeded

PARENT_POLL_S = 0.5


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="simulator", description="Simulates a Library server, on loopback only.")
    add = parser.add_argument
    add("--port", type=int, default=0, help="port of the API; 0 takes a free one (default)")
    add("--host", action="append", default=[], metavar="NAME", help="also answer calls to this host name; repeatable")
    add("--profile", default=PLAYGROUND, choices=list(profiles()), help=f"bundle of switches (default: {PLAYGROUND})")
    add("--switch", action="append", default=[], metavar="NAME=VALUE", help="change one switch; may be repeated")
    add("--tls", nargs="?", const="good", choices=SERVERS, help="HTTPS with a certificate made for this run")
    add("--tls-cert", metavar="FILE", help="HTTPS with your own certificate")
    add("--tls-key", metavar="FILE", help="its key")
    add("--client-certificate", action="store_true", help="ask clients for a certificate of the CA of --tls")
    add("--proxy", action="store_true", help="listen as a forward proxy on a second port too")
    add("--ready-file", metavar="PATH", help="write address and credentials there as JSON, and print nothing")
    add("--parent-pid", type=int, metavar="N", help="end when process N has ended")
    options = parser.parse_args(arguments)
    if bool(options.tls_cert) != bool(options.tls_key) or (options.tls and options.tls_cert):
        parser.error("give --tls, or --tls-cert and --tls-key together")
    if options.client_certificate and not options.tls:
        parser.error("--client-certificate needs --tls")
    return options


def overrides(options: argparse.Namespace) -> dict[str, Any]:
    """The switches that the command line changes."""
    values: dict[str, Any] = {}
    for text in options.switch:
        name, equals, value = text.partition("=")
        if not equals:
            raise SwitchError(f"--switch wants NAME=VALUE, not {text!r}")
        values[name] = value
    return values


def _context(options: argparse.Namespace, made: dict[str, str]) -> ssl.SSLContext | None:
    if not made and not options.tls_cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if made:
        context.load_cert_chain(made[f"{options.tls}_cert"], made[f"{options.tls}_key"])
    else:
        context.load_cert_chain(options.tls_cert, options.tls_key)
    if options.client_certificate:
        context.load_verify_locations(made["ca"])
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _description(urls: tuple[str, str, str | None], made: dict[str, str]) -> dict[str, Any]:
    users = seeded()
    return {
        **dict(zip(("base_url", "control_url", "proxy_url"), urls, strict=True)),
        "pid": os.getpid(),
        "username": "admin",
        "password": users["admin"].password,
        "api_token": API_TOKEN_OF_ADMIN,
        "identity_token": IDENTITY_TOKEN_OF_ADMIN,
        "users": {name: asdict(user) for name, user in users.items()},
        "certificates": made,
    }


def _announce(options: argparse.Namespace, facts: dict[str, Any]) -> None:
    if options.ready_file:
        # Rename the complete file, so that a waiting program never reads a part of it.
        draft = Path(f"{options.ready_file}.{os.getpid()}")
        draft.write_text(json.dumps(facts), encoding="utf-8")
        draft.replace(options.ready_file)
        return
    lines = [
        f"The simulator runs, profile {options.profile}. Ctrl-C ends it. In another terminal:",
        f"  export MSTR_BASE_URL={facts['base_url']}",
        f"  export MSTR_USERNAME={facts['username']} MSTR_PASSWORD={facts['password']}",
    ]
    if facts["certificates"]:
        lines.append(f"  export MSTR_CA_PATH={facts['certificates']['ca']}")
    lines += [
        "Other ways to log in, instead of the user and password:",
        f"  MSTR_API_TOKEN={facts['api_token']}",
        f"  MSTR_IDENTITY_TOKEN={facts['identity_token']}",
        f"  MSTR_LOGIN_MODE=ldap MSTR_USERNAME=ldap.admin MSTR_PASSWORD={facts['users']['ldap.admin']['password']}",
        f"Control interface: {facts['control_url']}",
    ]
    if facts["proxy_url"]:
        lines.append(f"Proxy: {facts['proxy_url']}")
    if options.profile == PLAYGROUND:
        lines.append(
            "It has the runtime 'Forecasts', with two saved scripts in project 'Sales', one of them on a schedule."
        )
    with contextlib.suppress(BrokenPipeError):
        print("\n".join(lines), flush=True)


async def _watch_parent(pid: int, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            stop.set()
        except PermissionError:
            pass  # it exists, under a different user
        await asyncio.sleep(PARENT_POLL_S)


async def _serve(options: argparse.Namespace, made: dict[str, str]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    from simulator.listen import listen  # slow, so that the handlers come first
    from simulator.server import Server

    server, context = Server(options.profile, overrides(options)), _context(options, made)
    async with listen(server, options.port, context, options.proxy, options.host) as urls:
        _announce(options, _description(urls, made))
        watcher = asyncio.create_task(_watch_parent(options.parent_pid, stop)) if options.parent_pid else None
        await stop.wait()
        if watcher:
            watcher.cancel()


def _explained(error: Exception, port: int) -> str:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return f"port {port} is in use; choose a different one: make simulator PORT={port + 1}, or --port {port + 1}"
    return str(error)


def main(arguments: list[str] | None = None) -> int:
    """Run the program; return its exit status."""
    options = parse(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="simulator-tls-") as folder:
            made = make_certificates(Path(folder)) if options.tls else {}
            asyncio.run(_serve(options, made))
    except (SwitchError, OSError) as error:
        print(f"simulator: {_explained(error, options.port)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        pass  # Ctrl-C before the handler was set
    finally:
        if options.ready_file:
            with contextlib.suppress(OSError):
                Path(options.ready_file).unlink()
    return 0
