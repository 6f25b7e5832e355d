"""docs/openapi.yaml as a check on real answers: every answer of a documented route must be one that the document allows."""

import functools
import re

import yaml
from jsonschema import Draft202012Validator, FormatChecker

from harness.stack import ROOT

METHODS = ("get", "post", "put", "patch", "delete")


@functools.cache
def document():
    return yaml.load(
        (ROOT / "docs/openapi.yaml").read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    )


def operations():
    """(METHOD, path, operation) of every documented operation."""
    return [
        (method.upper(), path, item[method]) for path, item in document()["paths"].items() for method in METHODS if method in item
    ]


def resolve(node):
    while "$ref" in node:
        found = document()
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        node = found
    return node


def parameters(path, operation):
    shared = document()["paths"][path].get("parameters", [])
    return [resolve(p) for p in [*shared, *operation.get("parameters", [])]]


@functools.cache
def _patterns():
    """Path patterns, those without a parameter first, so that /jars/bulk is not taken for /jars/{id}."""
    paths = sorted(document()["paths"], key=lambda path: path.count("{"))
    return [(re.compile("^" + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path) + "$"), path) for path in paths]


def find(method, path):
    """(template, operation) of a request, or (None, None) when it is not documented."""
    method = {"HEAD": "GET"}.get(method, method).lower()
    for pattern, template in _patterns():
        if pattern.match(path):
            item = document()["paths"][template]
            return (template, item[method]) if method in item else (None, None)
    return None, None


@functools.lru_cache(maxsize=None)
def _validator(method, template, status, media):
    operation = document()["paths"][template][method.lower()]
    responses = operation["responses"]
    response = responses.get(str(status)) or (responses.get("default") if status >= 400 else None)
    if response is None:
        return None, f"status {status} is not documented for {method} {template}"
    content = resolve(response).get("content")
    if not content:
        return None, None
    if media not in content:
        return None, f"content type {media!r} is not documented for {method} {template} {status}"
    schema = {"$ref": "#/answer", "answer": content[media]["schema"], "components": document()["components"]}
    return Draft202012Validator(schema, format_checker=FormatChecker()), None


def check(method, path, answer):
    """Fails when the answer of a documented route is not as documented."""
    template, operation = find(method, path)
    if operation is None or method in ("HEAD", "OPTIONS"):
        return
    media = answer.headers.get("Content-Type", "").split(";")[0].strip()
    validator, fault = _validator("GET" if method == "HEAD" else method, template, answer.status, media)
    assert fault is None, f"{fault}: {answer.text[:500]}"
    if validator is None:
        assert answer.body == b"", f"{method} {path} {answer.status} should have no body: {answer.text[:200]}"
        return
    if "json" not in media and media != "text/plain":
        return
    body = answer.text if media == "text/plain" else answer.json
    faults = [f"{'/'.join(map(str, e.absolute_path))}: {e.message}" for e in validator.iter_errors(body)]
    assert not faults, f"{method} {path} {answer.status} is not as documented: {faults[:6]}\n{answer.text[:800]}"
    for name, header in resolve(_response(operation, answer.status)).get("headers", {}).items():
        assert not header.get("required") or name in answer.headers, f"{method} {path} {answer.status} lacks the header {name}"


def _response(operation, status):
    return operation["responses"].get(str(status)) or operation["responses"]["default"]
