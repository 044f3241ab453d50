"""Certificates for tests: a CA, and certificates of a server (valid, expired, for a different host) and a client."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

SERVERS = ("good", "expired", "wrong-host")


@dataclass(frozen=True)
class Certificates:
    """Paths of PEM files. Certificates and keys are separate files."""

    ca: str
    good_cert: str
    good_key: str
    expired_cert: str
    expired_key: str
    wrong_host_cert: str
    wrong_host_key: str
    client_cert: str
    client_key: str
    other_ca: str
    other_client_cert: str
    other_client_key: str

    def server(self, which: str) -> tuple[str, str]:
        """Certificate and key of a server in SERVERS."""
        files = asdict(self)
        name = which.replace("-", "_")
        return files[f"{name}_cert"], files[f"{name}_key"]


def make_certificates(folder: str | Path) -> Certificates:
    """Write a new set into a folder. Create the folder if it does not exist."""
    import trustme  # imported here, because the import is slow and most starts need no TLS

    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    ca, other = trustme.CA(organization_name="Simulated CA"), trustme.CA(organization_name="Another CA")
    yesterday = datetime.now(timezone.utc) - timedelta(days=1)
    leaves = {
        "good": ca.issue_cert("localhost", "127.0.0.1", "::1"),
        "expired": ca.issue_cert(
            "localhost", "127.0.0.1", "::1", not_before=yesterday - timedelta(days=30), not_after=yesterday
        ),
        "wrong_host": ca.issue_cert("elsewhere.invalid"),
        "client": ca.issue_cert("client@simulator.invalid", common_name="client"),
        "other_client": other.issue_cert("stranger@simulator.invalid", common_name="stranger"),
    }
    files = {"ca": str(root / "ca.pem"), "other_ca": str(root / "other-ca.pem")}
    ca.cert_pem.write_to_path(files["ca"])
    other.cert_pem.write_to_path(files["other_ca"])
    for name, leaf in leaves.items():
        files[f"{name}_cert"] = str(root / f"{name}.crt")
        files[f"{name}_key"] = str(root / f"{name}.key")
        leaf.private_key_pem.write_to_path(files[f"{name}_key"])
        for index, blob in enumerate(leaf.cert_chain_pems):
            blob.write_to_path(files[f"{name}_cert"], append=index > 0)
    return Certificates(**files)
