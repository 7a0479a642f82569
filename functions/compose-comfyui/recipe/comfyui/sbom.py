"""Writes what an image is made of as CycloneDX: Debian's packages, Python's, and
what fetch.py fetched, which no scanner knows the origin of."""

import importlib.metadata
import json
import pathlib
import subprocess
import sys


def component(kind, name, version, **more):
    out = {"type": "library", "name": name, "version": version, **more}
    if kind:
        out["purl"] = f"pkg:{kind}/{name.lower()}@{version}"
    return out


def debian():
    done = subprocess.run(
        ["dpkg-query", "--show", "--showformat", "${Package} ${Version}\n"], check=True, stdout=subprocess.PIPE, text=True
    )
    return [component("deb/debian", *line.split()) for line in done.stdout.splitlines()]


def python(folder):
    found = {(d.metadata["Name"], d.version) for d in importlib.metadata.distributions(path=[folder])}
    return [component("pypi", name, version) for name, version in sorted(found)]


def fetched(sources):
    out = []
    for source in json.loads(pathlib.Path(sources).read_text(encoding="utf-8")):
        more = {"externalReferences": [{"type": "distribution", "url": source["source"]}]}
        if source.get("sha256"):
            more["hashes"] = [{"alg": "SHA-256", "content": source["sha256"]}]
        if source.get("commit"):
            more["properties"] = [{"name": "commit", "value": source["commit"]}]
        out.append(component("", source["name"], source["version"], **more))
    return out


def main(folder, sources, into):
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "components": fetched(sources) + python(folder) + debian(),
    }
    pathlib.Path(into).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
