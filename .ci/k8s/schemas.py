"""What the schemas of Kubernetes say of an object, and a schema for the one kind that is no part of Kubernetes."""

import jsonschema
import kubernetes_validate

# The newest that the schemas know, and the two before it.
VERSIONS = ["1.35", "1.36", "1.37"]

TEXT = {"type": "string"}
DURATION = {"type": "string", "pattern": r"^(\d+h)?(\d+m)?(\d+s)?$", "minLength": 2}


def strict(required, **members):
    """An object with these members and no others."""
    return {"type": "object", "additionalProperties": False, "required": required, "properties": members}


# The part of the Prometheus operator's ServiceMonitor (monitoring.coreos.com/v1) that is used here.
MONITOR = strict(
    ["apiVersion", "kind", "metadata", "spec"],
    apiVersion={"const": "monitoring.coreos.com/v1"},
    kind={"const": "ServiceMonitor"},
    metadata=strict(
        ["name"], name=TEXT, namespace=TEXT, labels={"type": "object", "additionalProperties": TEXT}
    ),
    spec=strict(
        ["selector", "endpoints"],
        selector=strict([], matchLabels={"type": "object", "additionalProperties": TEXT}),
        namespaceSelector=strict([], matchNames={"type": "array", "items": TEXT}),
        endpoints={
            "type": "array",
            "minItems": 1,
            "items": strict(
                ["port"], port=TEXT, path=TEXT, interval=DURATION, scrapeTimeout=DURATION, scheme={"enum": ["http", "https"]}
            ),
        },
    ),
)
OTHERS = {"ServiceMonitor": MONITOR}


def faults(thing):
    """What the schemas say of one object."""
    name = f"{thing.get('kind')}/{thing.get('metadata', {}).get('name')}"
    if thing.get("kind") in OTHERS:
        found = jsonschema.Draft202012Validator(OTHERS[thing["kind"]]).iter_errors(thing)
        return [f"{name}: {fault.message} at {'.'.join(map(str, fault.path))}" for fault in found]
    found = []
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(thing, version, strict=True)
        except kubernetes_validate.ValidationError as fault:
            found.append(f"{name}, Kubernetes {version}: {fault.message} at {'.'.join(map(str, fault.path))}")
        except kubernetes_validate.SchemaNotFoundError:
            found.append(f"{name}: Kubernetes {version} has no {thing.get('kind')} of {thing.get('apiVersion')}")
    return found
