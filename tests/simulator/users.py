"""The accounts that exist after a reset. Tests may seed more."""

from __future__ import annotations

from dataclasses import dataclass

STANDARD, ANONYMOUS, LDAP, API_TOKEN, DELEGATE = 1, 8, 16, 4096, -1
MODE_NAMES = {STANDARD: "standard", ANONYMOUS: "anonymous", LDAP: "ldap", API_TOKEN: "api_token", DELEGATE: "delegate"}

ADMINISTRATOR_ID = "54F3D26011D2896560009A8E67019608"  # [doc], the owner in the samples
GUEST_ID = "294DEDC011D2F1D56000D98E67019608"  # [doc], "Public / Guest" in the samples

# Fixed tokens that users can type, so that a demo needs no second program.
API_TOKEN_OF_ADMIN = "simulated-api-token-7f3a9c51d2"
IDENTITY_TOKEN_OF_ADMIN = "simulated-identity-token-b8e4d6071f"


@dataclass
class User:
    """An account. ``mode`` is the login mode for its password."""

    username: str
    password: str
    id: str
    full_name: str
    mode: int = STANDARD
    manages: bool = True  # has the privilege "Manage runtime" [help]

    @property
    def initials(self) -> str:
        return "".join(word[0] for word in self.full_name.split() if word[0].isalnum())[:2].upper()


def seeded() -> dict[str, User]:
    """A fresh set of accounts by username."""
    users = [
        User("admin", "correct-horse-41", ADMINISTRATOR_ID, "Administrator"),
        User("ldap.admin", "battery-staple-42", "A1D4B9E24C7F11EF8A5B0080EF652FB1", "Lydia Directory", LDAP),
        # Lacks the privilege "Manage runtime": ERR0014 on runtimes.
        User("viewer", "plain-viewer-43", "B2E5CAF34C7F11EF8A5B0080EF652FB2", "Vera Viewer", manages=False),
        User("guest", "", GUEST_ID, "Public / Guest", ANONYMOUS),
    ]
    return {user.username: user for user in users}
