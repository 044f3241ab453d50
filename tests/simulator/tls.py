"""Certificates for tests: a CA, and certificates of a server (valid, for a different host) and a client."""

from __future__ import annotations

from pathlib import Path

SERVERS = ("good", "wrong_host")


def make_certificates(folder: Path) -> dict[str, str]:
    """Write a new set into a folder. The paths of PEM files: `ca`, `good_cert`, `good_key`, `client_cert` …"""
    import trustme  # imported here, because the import is slow and most starts need no TLS

    ca, other = trustme.CA(organization_name="Simulated CA"), trustme.CA(organization_name="Another CA")
    leaves = {
        "good": ca.issue_cert("localhost", "127.0.0.1", "::1"),
        "wrong_host": ca.issue_cert("elsewhere.invalid"),
        "client": ca.issue_cert("client@simulator.invalid", common_name="client"),
        "other_client": other.issue_cert("stranger@simulator.invalid", common_name="stranger"),
    }
    files = {"ca": folder / "ca.pem", "other_ca": folder / "other-ca.pem"}
    ca.cert_pem.write_to_path(str(files["ca"]))
    other.cert_pem.write_to_path(str(files["other_ca"]))
    for name, leaf in leaves.items():
        cert, key = files[f"{name}_cert"], files[f"{name}_key"] = folder / f"{name}.crt", folder / f"{name}.key"
        leaf.private_key_pem.write_to_path(str(key))
        for index, blob in enumerate(leaf.cert_chain_pems):
            blob.write_to_path(str(cert), append=index > 0)
    return {name: str(path) for name, path in files.items()}
