"""Texts of a platform made fit to be logged, stored and shown."""

_LONGEST = 500


def redacted(text: str, secrets: dict[str, str]) -> str:
    """``text`` on one line, at most 500 characters, with every secret in it replaced by its name."""
    for name, secret in secrets.items():
        text = text.replace(secret, f"<{name}>")
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
