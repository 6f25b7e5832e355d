"""The templates of infra/ as plain dictionaries, with CloudFormation's short tags written out ({"Ref": ...}, {"Fn::Sub": ...})."""

import pathlib

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"


class Loader(yaml.SafeLoader):
    pass


def _tag(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {"Ref" if suffix == "Ref" else "Fn::" + suffix: value}


Loader.add_multi_constructor("!", _tag)


def load(path):
    return yaml.load(path.read_text(encoding="utf-8"), Loader)  # noqa: S506  # a SafeLoader with more tags


def load_all():
    """Stack name -> template."""
    return {path.stem: load(path) for path in sorted(INFRA.glob("*.yaml"))}


def resources(stacks, *types):
    """(stack, name, resource) of these types, or of all."""
    for stack, template in stacks.items():
        for name, resource in template["Resources"].items():
            if not types or resource["Type"] in types:
                yield stack, name, resource


def listed(value):
    return value if isinstance(value, list) else [value]


def text(value):
    """A reference, an address or a plain value, as one word for tables."""
    if isinstance(value, dict) and len(value) == 1:
        ((kind, inner),) = value.items()
        if kind == "Fn::GetAtt":
            return ".".join(inner)
        return str(inner)
    return str(value)


def statements(document):
    return listed(document["Statement"])
