"""CloudWatch Logs' filter patterns for text: terms that must all be there, ?terms of which one must, -terms that must not; a term
in quotes may hold blanks. Case counts, and a term may stand anywhere in the line. (CloudWatch Logs user guide, filter pattern
syntax for unstructured log events.) Patterns with brackets or braces are another language, which is refused here."""

import re

TERM = re.compile(r'\s*([?-]?)("(?:[^"\\]|\\.)*"|[^\s"]+)')


def terms(pattern):
    """(sign, text) of each term."""
    if pattern.lstrip()[:1] in ("[", "{"):
        raise ValueError(f"{pattern!r} is no pattern for plain text")
    found, at = [], 0
    while at < len(pattern.rstrip()):
        match = TERM.match(pattern, at)
        if not match:
            raise ValueError(f"{pattern!r} cannot be read at {at}")
        sign, term = match.groups()
        found.append((sign, re.sub(r"\\(.)", r"\1", term[1:-1]) if term.startswith('"') else term))
        at = match.end()
    if {sign for sign, _ in found} >= {"", "?"}:
        raise ValueError(f"{pattern!r} mixes ?terms and plain ones, which CloudWatch ignores in part")
    return found


def matches(pattern, line):
    found = terms(pattern)
    optional = [term for sign, term in found if sign == "?"]
    return (
        all(term in line for sign, term in found if sign == "")
        and not any(term in line for sign, term in found if sign == "-")
        and (not optional or any(term in line for term in optional))
    )
