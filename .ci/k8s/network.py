"""Who selects whom, and who reaches whom."""

import urllib.parse

from pods import ours, pods, variables

# Where a server has its Connect gateway beside its API.
CONNECT = 8289


def faults(things, rendered):
    found = selections(things)
    # Where the server is stands in a map that is generated.
    return found + ways(things) if rendered else found


def named(thing):
    return f"{thing['kind']}/{thing['metadata']['name']}"


def fits(selector, labels):
    """Whether a selector chooses what has these labels; an empty one chooses everything."""
    return selector.get("matchLabels", {}).items() <= labels.items()


def selections(things):
    """What selects no pods, or those of others."""
    found = []
    templates = [(name, template["metadata"]["labels"]) for name, _, template in pods(things)]
    services = [thing for thing in things if thing["kind"] == "Service"]
    for thing in things:
        spec, kind = thing.get("spec", {}), thing["kind"]
        if kind == "Service":
            selector = {"matchLabels": spec.get("selector", {})}
            if spec.get("type", "ClusterIP") != "ClusterIP":
                found.append(f"{named(thing)} can be reached from outside of the cluster")
        elif kind in ("PodDisruptionBudget", "Deployment", "StatefulSet"):
            selector = spec["selector"]
        elif kind == "NetworkPolicy":
            if not any(fits(spec["podSelector"], labels) for _, labels in templates):
                found.append(f"{named(thing)} selects no pods")
            continue
        elif kind == "ServiceMonitor":
            chosen = [one for one in services if fits(spec["selector"], one["metadata"]["labels"])]
            ports = {port["name"] for one in chosen for port in one["spec"]["ports"]}
            if not {endpoint["port"] for endpoint in spec["endpoints"]} <= ports:
                found.append(f"{named(thing)} selects no port of a service")
            continue
        else:
            continue
        chosen = [name for name, labels in templates if fits(selector, labels)]
        if len(chosen) != 1:
            found.append(f"{named(thing)} selects {chosen or 'no pods'}")
    return found


def ways(things):
    """Whether pods of the program reach their server, through the policies of both."""
    found = []
    for name, _, template in pods(things):
        if not ours(template):
            continue
        [container] = template["spec"]["containers"]
        environment = variables(container, things)
        base = urllib.parse.urlsplit(environment["INNGEST_BASE_URL"])
        places = [(base.hostname, base.port or {"http": 80, "https": 443}[base.scheme])]
        if environment.get("SYSTEM_BUS_TRANSPORT") == "connect":
            gateway = environment.get("INNGEST_CONNECT_GATEWAY_URL")
            if gateway:
                gateway = urllib.parse.urlsplit(gateway)
                places.append((gateway.hostname, gateway.port or {"ws": 80, "wss": 443}[gateway.scheme]))
            elif base.scheme == "https":
                found.append(f"{name}: a server behind TLS names a gateway that is not; set INNGEST_CONNECT_GATEWAY_URL")
            else:
                places.append((base.hostname, CONNECT))
        for host, port in places:
            found += [f"{name}: {fault}" for fault in way(things, template["metadata"]["labels"], host, port)]
    return found


def way(things, labels, host, port):
    """What keeps pods with these labels from a place."""
    if "." in host:
        outside = any("ipBlock" in peer for peer in peers(things, labels, "egress", port))
        return [] if outside else [f"no policy lets it reach {host}:{port}"]
    service = next((one for one in things if one["kind"] == "Service" and one["metadata"]["name"] == host), None)
    if service is None:
        return [f"there is no service {host}"]
    if port not in [one["port"] for one in service["spec"]["ports"]]:
        return [f"the service {host} has no port {port}"]
    there = service["spec"]["selector"]

    def lets(direction, own, other):
        return any("podSelector" in peer and fits(peer["podSelector"], other) for peer in peers(things, own, direction, port))

    found = []
    if not lets("egress", labels, there):
        found.append(f"no policy lets it reach {host}:{port}")
    if not lets("ingress", there, labels):
        found.append(f"no policy of {host} lets it in at {port}")
    return found


def peers(things, labels, direction, port):
    """With whom pods with these labels may speak at a port."""
    peer = {"egress": "to", "ingress": "from"}[direction]
    for thing in things:
        if thing["kind"] == "NetworkPolicy" and fits(thing["spec"]["podSelector"], labels):
            for rule in thing["spec"].get(direction, []):
                if port in [one["port"] for one in rule.get("ports", [])]:
                    yield from rule.get(peer, [])
