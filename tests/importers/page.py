"""What the scripts that write a page of the documentation share."""

from __future__ import annotations


def main(page, current, arguments):
    """Write the page if it is stale, or with ``--check`` only tell; return the exit status."""
    text = current()
    stale = not page.exists() or page.read_text(encoding="utf-8") != text
    check = arguments == ["--check"]
    if stale:
        print(f"{page.name} {'is stale' if check else 'written'}")  # noqa: T201  (it tells the one who runs a script)
    if stale and not check:
        page.write_text(text, encoding="utf-8")
    return int(check and stale)
