"""What must hold of pods, whatever the schemas allow."""

from settings import seconds

# How long a process may take beyond its drain: replies on their way, and files.
BEYOND = 10
OURS = ("app.kubernetes.io/name", "system-bus")


def pods(things):
    """Every template of pods, with what makes it and the name of that."""
    for thing in things:
        if "template" in thing.get("spec", {}):
            yield f"{thing['kind']}/{thing['metadata']['name']}", thing, thing["spec"]["template"]


def ours(template):
    """Whether the program runs in it."""
    return OURS in template["metadata"]["labels"].items()


def variables(container, things):
    """What a container finds in its environment; None stands for what the cluster fills in. Secrets are not seen."""
    maps = {thing["metadata"]["name"]: thing.get("data", {}) for thing in things if thing["kind"] == "ConfigMap"}
    found = {}
    for source in container.get("envFrom", []):
        found |= maps.get(source.get("configMapRef", {}).get("name"), {})
    return found | {one["name"]: one.get("value") for one in container.get("env", [])}


def faults(things, settings, rendered):
    found = []
    for name, thing, template in pods(things):
        said = guarded(thing, template, rendered)
        if ours(template):
            said += timed(thing, template, things, settings)
        found += [f"{name}: {fault}" for fault in said]
    return found


def guarded(thing, template, rendered):
    """Users, files, limits, probes."""
    spec = template["spec"]
    pod = spec.get("securityContext", {})
    labels = template["metadata"]["labels"]
    yet = [
        (spec.get("automountServiceAccountToken") is False, "its pods have a token of the cluster"),
        (pod.get("runAsNonRoot") is True and pod.get("runAsUser", 0) > 0, "its pods may run as root"),
        (pod.get("seccompProfile", {}).get("type") == "RuntimeDefault", "its pods have no seccomp profile"),
        (thing["spec"]["selector"]["matchLabels"].items() <= labels.items(), "it does not select its own pods"),
    ]
    there = {volume["name"] for volume in spec.get("volumes", [])}
    there |= {claim["metadata"]["name"] for claim in thing["spec"].get("volumeClaimTemplates", [])}
    for container in spec["containers"]:
        own = container.get("securityContext", {})
        resources = container.get("resources", {})
        limited = set(resources.get("limits", {})) & set(resources.get("requests", {}))
        mounted = {mount["name"] for mount in container.get("volumeMounts", [])}
        tag = container["image"].rpartition("/")[2].partition(":")[2]
        yet += [
            (own.get("readOnlyRootFilesystem") is True, "its root can be written to"),
            (own.get("allowPrivilegeEscalation") is False, "it may become more than it is"),
            (own.get("capabilities", {}).get("drop") == ["ALL"], "it keeps capabilities of the kernel"),
            ({"cpu", "memory"} <= limited, "it has no limits"),
            ("readinessProbe" in container and "livenessProbe" in container, "it has no probes"),
            (tag != "latest" and (tag or not rendered), "its image has no fixed tag"),
            (mounted == there, f"what it mounts and what is there differ: {mounted ^ there}"),
        ]
    return [words for holds, words in yet if not holds]


def timed(thing, template, things, settings):
    """The settings of the program, and the times that depend on each other."""
    spec = template["spec"]
    [container] = spec["containers"]
    command = container["args"][0]
    environment = variables(container, things)
    found = settings.faults(command, environment)
    if found:
        return found
    drain = seconds(environment.get("SYSTEM_BUS_DRAIN", "25s"))
    step = seconds(environment.get("SYSTEM_BUS_STEP_LIMIT", "5m"))
    pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    grace = spec["terminationGracePeriodSeconds"]
    if grace < pause + drain + BEYOND:
        found.append(f"it is killed after {grace} s, and may take {pause} + {drain} + {BEYOND}")
    written = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
    for name in ("SYSTEM_BUS_VERSIONS", "SYSTEM_BUS_CACHE", "SYSTEM_BUS_RECORDS", "SYSTEM_BUS_STATE_DIR", "SYSTEM_BUS_SPOOL"):
        path = environment.get(name)
        if path and not any(path == folder or path.startswith(f"{folder}/") for folder in written):
            found.append(f"{name} is {path}, which it cannot write to")
    if command == "worker":
        # Four fifths of the time are for calls that run; the rest is for handing back what is left.
        if drain * 4 / 5 < step:
            found.append(f"a step may take {step} s, and stopping hands it back after {drain * 4 / 5}")
        if thing["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] != 0:
            found.append("a roll-out takes away pods that serve")
    else:
        # It is what the world reaches.
        sources = [source.get("secretRef", {}).get("name") for source in container.get("envFrom", [])]
        if "INNGEST_SIGNING_KEY" in environment or "system-bus-keys" in sources:
            found.append("it holds the signing key, which a gateway has no use for")
    return found
