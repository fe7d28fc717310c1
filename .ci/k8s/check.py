"""What must hold of k8s/ and the Dockerfile: `check.py WORKSPACE RENDERED`. Called by .ci/manifests."""

import copy
import pathlib
import sys

import yaml

import image
import network
import plants
import pods
import schemas
from settings import Settings


def secrets(things, page):
    """Values of secrets in the tree, and secrets that no page says how to make."""
    found = [f"Secret/{thing['metadata']['name']} is in the tree" for thing in things if thing["kind"] == "Secret"]
    for name, _, template in pods.pods(things):
        for container in template["spec"]["containers"]:
            wanted = [source.get("secretRef") for source in container.get("envFrom", [])]
            wanted += [one.get("valueFrom", {}).get("secretKeyRef") for one in container.get("env", [])]
            for secret in filter(None, wanted):
                for word in filter(None, (secret["name"], secret.get("key"))):
                    if word not in page:
                        found.append(f"{name}: docs/operate/cluster.md does not say how to make {word}")
    return found


def read(files):
    """The objects of files; what kustomize is told is none."""
    things = [thing for file in files for thing in yaml.safe_load_all(file.read_text()) if thing]
    return [thing for thing in things if thing.get("kind") != "Kustomization"]


def main():
    workspace, folder = map(pathlib.Path, sys.argv[1:3])
    settings = Settings(workspace)
    page = (workspace / "docs/operate/cluster.md").read_text()

    def faults(things, rendered):
        found = [fault for thing in things for fault in schemas.faults(thing)]
        # What has no form cannot be looked into.
        if found:
            return found
        found = pods.faults(things, settings, rendered) + network.faults(things, rendered)
        return found + secrets(things, page)

    k8s = workspace / "k8s"
    sets = {"files": sorted([*k8s.glob("base/*.yaml"), *k8s.glob("inngest/*.yaml"), *k8s.glob("monitor/*.yaml")])}
    sets |= {file.stem: [file] for file in sorted(folder.glob("*.yaml"))}
    found = image.faults(workspace, settings)
    for name, files in sets.items():
        rendered = name != "files"
        things = read(files)
        here = faults(things, rendered)
        planted = plants.plants(things, rendered)
        for number, (plant, words) in enumerate(planted if not here else []):
            changed = copy.deepcopy(things)
            plant(changed)
            if not any(words in fault for fault in faults(changed, rendered)):
                here.append(f"fault number {number} was planted and not found: {words}")
        found += [f"{name}: {fault}" for fault in here]
        print(f"{name}: {len(things)} objects, {len(planted)} planted faults, Kubernetes {', '.join(schemas.VERSIONS)}")
    if found:
        sys.exit("\n".join(found))


main()
