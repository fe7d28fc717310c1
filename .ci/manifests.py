"""What must hold of the manifests in k8s/: `manifests.py WORKSPACE RENDERED`. Called by .ci/manifests."""

import pathlib
import re
import sys

import kubernetes_validate
import yaml

# The newest that the schemas know, and the two before it.
VERSIONS = ["1.35", "1.36", "1.37"]
# Objects that are no part of Kubernetes, and the members of their `spec` that are used here.
OTHERS = {"ServiceMonitor": {"selector", "endpoints", "namespaceSelector"}}
# How long a worker may take beyond its drain: replies on their way, and files.
BEYOND = 10


def schema_faults(thing):
    """What the schemas say of one object."""
    kind, name = thing.get("kind"), thing.get("metadata", {}).get("name")
    if kind in OTHERS:
        return [f"{kind}/{name}: spec.{member} is not known" for member in set(thing["spec"]) - OTHERS[kind]]
    found = []
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(thing, version, strict=True)
        except kubernetes_validate.ValidationError as fault:
            found.append(f"{kind}/{name}, Kubernetes {version}: {fault.message} at {'.'.join(map(str, fault.path))}")
    return found


def seconds(text):
    """`400s` or `5m`."""
    number, unit = re.fullmatch(r"(\d+)(s|m|h)", text).groups()
    return int(number) * {"s": 1, "m": 60, "h": 3600}[unit]


def pods(things):
    """Every template of pods, with the name of what makes it."""
    for thing in things:
        if "template" in thing.get("spec", {}):
            yield f"{thing['kind']}/{thing['metadata']['name']}", thing, thing["spec"]["template"]


def pod_faults(name, thing, template, known):
    """What must hold of pods, whatever the schemas allow."""
    spec = template["spec"]
    found = []

    def must(holds, words):
        if not holds:
            found.append(f"{name}: {words}")

    must(spec.get("automountServiceAccountToken") is False, "its pods have a token of the cluster")
    pod = spec.get("securityContext", {})
    must(pod.get("runAsNonRoot") is True and pod.get("runAsUser", 0) > 0, "its pods may run as root")
    must(pod.get("seccompProfile", {}).get("type") == "RuntimeDefault", "its pods have no seccomp profile")
    labels = template["metadata"]["labels"]
    selected = thing["spec"]["selector"]["matchLabels"]
    must(selected.items() <= labels.items(), "it does not select its own pods")
    for container in spec["containers"]:
        own = container.get("securityContext", {})
        must(own.get("readOnlyRootFilesystem") is True, "its root can be written to")
        must(own.get("allowPrivilegeEscalation") is False, "it may become more than it is")
        must(own.get("capabilities", {}).get("drop") == ["ALL"], "it keeps capabilities of the kernel")
        resources = container.get("resources", {})
        must({"cpu", "memory"} <= set(resources.get("limits", {})) & set(resources.get("requests", {})), "it has no limits")
        must("readinessProbe" in container and "livenessProbe" in container, "it has no probes")
        tag = container["image"].partition(":")[2]
        must(tag != "latest", "its image has no fixed tag")
        mounted = {mount["name"] for mount in container.get("volumeMounts", [])}
        there = {volume["name"] for volume in spec.get("volumes", [])}
        there |= {claim["metadata"]["name"] for claim in thing["spec"].get("volumeClaimTemplates", [])}
        must(mounted <= there, f"it mounts what is not there: {mounted - there}")
        if labels.get("app.kubernetes.io/name") != "system-bus":
            continue
        variables = {one["name"]: one.get("value") for one in container.get("env", [])}
        unknown = {variable for variable in variables if variable not in known}
        must(not unknown, f"the program does not know {unknown}")
        must(container["args"][0] in ("worker", "gateway"), f"there is no command {container['args'][0]}")
        drain = seconds(variables.get("SYSTEM_BUS_DRAIN") or "25s")
        step = seconds(variables.get("SYSTEM_BUS_STEP_LIMIT") or "5m")
        pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        grace = spec["terminationGracePeriodSeconds"]
        must(grace >= pause + drain + BEYOND, f"it is killed after {grace} s, and may take {pause} + {drain} + {BEYOND}")
        if container["args"][0] == "worker":
            must(drain > step, f"a step may take {step} s, and stopping ends after {drain}")
            rolling = thing["spec"]["strategy"]["rollingUpdate"]
            must(rolling["maxUnavailable"] == 0, "a roll-out takes away pods that serve")
    return found


def selection_faults(things):
    """Services, budgets and monitors that select no pods, and objects that select each other's."""
    found = []
    templates = [(name, template["metadata"]["labels"]) for name, _, template in pods(things)]
    for thing in things:
        spec = thing.get("spec", {})
        if thing["kind"] == "Service":
            selector = spec.get("selector", {})
        elif thing["kind"] in ("PodDisruptionBudget", "Deployment", "StatefulSet"):
            selector = spec["selector"]["matchLabels"]
        else:
            continue
        chosen = [name for name, labels in templates if selector.items() <= labels.items()]
        if len(chosen) != 1:
            found.append(f"{thing['kind']}/{thing['metadata']['name']} selects {chosen or 'no pods'}")
        if thing["kind"] == "Service" and spec.get("type", "ClusterIP") != "ClusterIP":
            found.append(f"Service/{thing['metadata']['name']} can be reached from outside of the cluster")
    return found


def secret_faults(things):
    """Values of secrets in the tree."""
    kinds = [thing for thing in things if thing["kind"] == "Secret"]
    return [f"Secret/{thing['metadata']['name']} is in the tree" for thing in kinds]


def planted(things, known):
    """Faults that are put there must be found: each of these makes one."""
    import copy

    def worker(all_things):
        return next(one for one in all_things if one["kind"] == "Deployment")["spec"]["template"]["spec"]

    plants = [
        lambda all_things: worker(all_things)["containers"][0].update(imagePullPolicyy="Always"),
        lambda all_things: worker(all_things).update(terminationGracePeriodSeconds=30),
        lambda all_things: worker(all_things)["containers"][0]["env"].append({"name": "SYSTEM_BUS_TYPO", "value": "1"}),
        lambda all_things: worker(all_things)["securityContext"].update(runAsUser=0),
        lambda all_things: worker(all_things)["containers"][0]["securityContext"].pop("readOnlyRootFilesystem"),
        lambda all_things: all_things.append({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "stringData": {"a": "b"}}),
        lambda all_things: next(one for one in all_things if one["kind"] == "Service")["spec"].update(selector={"a": "b"}),
    ]
    missed = []
    for number, plant in enumerate(plants):
        changed = copy.deepcopy(things)
        plant(changed)
        if not faults(changed, known):
            missed.append(f"the check finds no fault where one was planted (number {number})")
    return missed


def faults(things, known):
    found = [fault for thing in things for fault in schema_faults(thing)]
    found += [fault for name, thing, template in pods(things) for fault in pod_faults(name, thing, template, known)]
    return found + selection_faults(things) + secret_faults(things)


def read(files):
    """The objects of files; what kustomize is told is none."""
    things = [thing for file in files for thing in yaml.safe_load_all(file.read_text()) if thing]
    return [thing for thing in things if thing.get("kind") != "Kustomization"]


def main():
    workspace, rendered = map(pathlib.Path, sys.argv[1:3])
    texts = [workspace / "docs/commands.md", *(workspace / "host/src/config").glob("*.rs")]
    known = set(re.findall(r"\b(?:SYSTEM_BUS|INNGEST|WORKER)_[A-Z_]+\b", "\n".join(text.read_text() for text in texts)))
    for settings in (workspace / "k8s").rglob("settings.env"):
        names = {line.partition("=")[0] for line in settings.read_text().splitlines() if line}
        if names - known:
            sys.exit(f"{settings}: the program does not know {names - known}")
    k8s = workspace / "k8s"
    sets = {"files": sorted([*k8s.glob("base/*.yaml"), *k8s.glob("inngest/*.yaml"), *k8s.glob("monitor/*.yaml")])}
    sets |= {file.stem: [file] for file in sorted(rendered.glob("*.yaml"))}
    found = []
    for name, files in sets.items():
        things = read(files)
        found += [f"{name}: {fault}" for fault in faults(things, known) + planted(things, known)]
        print(f"{name}: {len(things)} objects, Kubernetes {', '.join(VERSIONS)}")
    if found:
        sys.exit("\n".join(found))


main()
