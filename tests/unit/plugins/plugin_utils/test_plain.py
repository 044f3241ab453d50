from __future__ import annotations

from ansible_collections.mstr.library.plugins.plugin_utils._reports.serialize import plain


class Unsafe(str):
    """A text from a module, as before ansible-core 2.19: `str` returns it unchanged."""

    def __str__(self):
        return self


def test_texts_are_plain():
    """YAML cannot represent a subclass of str."""
    [(key, [value])] = plain({Unsafe("name"): [Unsafe("Vendor demo")]}).items()
    assert (type(key), type(value)) == (str, str)
    assert (key, value) == ("name", "Vendor demo")
