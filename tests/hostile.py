"""Names that strangers put into files, and networks that carry them."""

from __future__ import annotations

from hypothesis import strategies as st
from networks import network

from convmath.spec.graph import Network

NAMES = (
    r"\input{/etc/passwd}", r"\write18{id}", r"\csname x\endcsname", "^^5c", "a%b", "}", "{", r"\end{document}",
    "$x$", "$", "$$", "a_b", "_a_", "~#&", "~~x~~", "中文", "😀", "é ß Ø", "a|b", "|", "[x](javascript:alert(1))",
    "![x](http://evil.com/x.png)", "`code`", "``", "-->", "--><!--", "<!--", "<script>alert(1)</script>",
    '"><img onerror=x src=y>', "</style>", "</math>", "<br>", "&lt;", "&amp;", "www.evil.com", "WWW.evil.com",
    "http://evil.com", "https://evil.com", "ftp://evil.com", "a@b.com", "mailto:a@b.com", "xmpp:a@b.com", "@user",
    "# x", "*a*", "**a**", "1. x", "- x", "+ x", "> x", "[1]: http://evil.com", "[^1]", "\\", "a\\", "\\\\", "end|",
    "'''", '"', ",,", "!`", "?`", "--", "---", "=SUM(A1)", "a'b", "\\(x\\)", "\\[x\\]", "$`x`$", "{{ x }}", "%s",
)  # fmt: skip
BENIGN = tuple(f"layer{at}" for at in range(len(NAMES)))
printable = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12).filter(str.isprintable)
"""Names of any letters that a file may have; spaces apart, which no format keeps at an end."""
active = st.text(alphabet="ab1.:/\\`*_{}[]()<>#+-!|$~&%^@\"'=w", min_size=1, max_size=12)
"""Names made of what formats give a meaning to."""


def carrier(names: tuple[str, ...], title: str = "net") -> Network:
    """Return a network whose layers have these names, and which has one itself."""
    layers = [{"conv": {"name": name, "out_channels": 2, "kernel_size": 3}} for name in names]
    return network([1, "H", "W"], layers, name=title)
