"""Faults that are put there, and the words by which each must be found: a check that finds nothing has to be able to find something."""


def one(things, kind, name="system-bus-worker"):
    return next(thing for thing in things if thing["kind"] == kind and thing["metadata"]["name"].startswith(name))


def pod(things, name="Deployment"):
    return one(things, name, "system-bus")["spec"]["template"]["spec"]


def container(things, name="Deployment"):
    return pod(things, name)["containers"][0]


def put(things, name, value, kind="Deployment"):
    environment = container(things, kind)["env"]
    environment[:] = [one for one in environment if one["name"] != name]
    environment.append({"name": name, "value": value})


ALWAYS = [
    (lambda all: container(all).update(imagePullPolicyy="Always"), "imagePullPolicyy"),
    (lambda all: one(all, "Deployment").update(apiVersion="apps/v1beta1"), "apps/v1beta1"),
    (lambda all: pod(all).update(terminationGracePeriodSeconds=405), "killed after 405 s"),
    (lambda all: pod(all)["securityContext"].update(runAsUser=0), "may run as root"),
    (lambda all: container(all)["securityContext"].pop("readOnlyRootFilesystem"), "can be written to"),
    (lambda all: container(all).update(image="host:5000/system-bus:latest"), "no fixed tag"),
    (lambda all: put(all, "SYSTEM_BUS_TYPO", "1"), "does not read SYSTEM_BUS_TYPO"),
    (lambda all: put(all, "SYSTEM_BUS_TRANSPORT", "dial", "Deployment"), "not one of serve, connect, both"),
    (lambda all: put(all, "SYSTEM_BUS_DRAIN", "400"), "no TIME"),
    (lambda all: put(all, "SYSTEM_BUS_STEP_LIMIT", "6m"), "hands it back"),
    (lambda all: put(all, "SYSTEM_BUS_CACHE", "/cache"), "cannot write to"),
    (lambda all: put(all, "SYSTEM_BUS_LISTEN", "127.0.0.1:3111"), "nobody else reaches"),
    (lambda all: put(all, "SYSTEM_BUS_STEP_LIMIT", "5m", "StatefulSet"), "`gateway` does not read"),
    (lambda all: put(all, "INNGEST_SIGNING_KEY", None, "StatefulSet"), "holds the signing key"),
    (lambda all: container(all).update(args=["serve"]), "no command serve"),
    (lambda all: all.append({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "stringData": {"a": "b"}}), "in the tree"),
    (lambda all: container(all)["envFrom"].append({"secretRef": {"name": "nobody-makes"}}), "nobody-makes"),
    (lambda all: one(all, "Service")["spec"].update(selector={"a": "b"}), "selects no pods"),
    (lambda all: one(all, "Service")["spec"].update(type="NodePort"), "from outside"),
    (lambda all: one(all, "PodDisruptionBudget")["spec"].update(selector={"matchLabels": {"app.kubernetes.io/name": "system-bus"}}), "selects ['"),
    (lambda all: one(all, "NetworkPolicy")["spec"].update(podSelector={"matchLabels": {"a": "b"}}), "selects no pods"),
]
# Where the server is, is known of what is rendered only.
RENDERED = [
    (lambda all: [thing["spec"].update(egress=[]) for thing in all if thing["kind"] == "NetworkPolicy"], "no policy lets it reach"),
    (lambda all: one(all, "ConfigMap", "system-bus-settings")["data"].update(INNGEST_BASE_URL="http://nowhere:8288"), "no service nowhere"),
    (lambda all: one(all, "ConfigMap", "system-bus-settings")["data"].update(SYSTEM_BUS_PROXIES="one"), "no N"),
    (lambda all: container(all).update(image="system-bus"), "no fixed tag"),
]
MONITORED = [
    (lambda all: one(all, "ServiceMonitor", "system-bus")["spec"]["endpoints"][0].update(intervall="15s"), "intervall"),
    (lambda all: one(all, "ServiceMonitor", "system-bus")["spec"]["endpoints"][0].update(port="metrics"), "no port of a service"),
]


def plants(things, rendered):
    """Those that can be put among these objects."""
    there = {thing["kind"] for thing in things}
    return ALWAYS + (RENDERED if rendered else []) + (MONITORED if "ServiceMonitor" in there else [])
