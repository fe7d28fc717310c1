"""Copies k8s/ for a kustomize that knows some members under their former names, as the kubectl of Debian 12 does:
`older.py FROM TO`. What is rendered from the copy is the same."""

import pathlib
import shutil
import sys

import yaml


def former(kustomization, folder):
    """The same, said in the former words."""
    resources = kustomization.pop("resources", [])
    kustomization["bases"] = [one for one in resources if (folder / one).is_dir()]
    kustomization["resources"] = [one for one in resources if not (folder / one).is_dir()]
    kustomization["patchesStrategicMerge"] = [patch["path"] for patch in kustomization.pop("patches", [])]
    for generator in kustomization.get("configMapGenerator", []):
        if "envs" in generator:
            [generator["env"]] = generator.pop("envs")
    return kustomization


def main():
    source, target = map(pathlib.Path, sys.argv[1:3])
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    for file in target.rglob("kustomization.yaml"):
        file.write_text(yaml.safe_dump(former(yaml.safe_load(file.read_text()), file.parent)))


main()
