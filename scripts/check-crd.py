"""Checks a custom resource against the definition that its operator ships: unknown fields and wrong types.

    check-crd.py DEFINITION RESOURCE    YAML files; exit code 1 and a line for each error
"""

import sys

import jsonschema
import yaml


def strict(schema):
    """Turns a structural schema of Kubernetes into a JSON schema that refuses unknown fields."""
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    out = dict(schema)
    if "properties" in schema:
        out["properties"] = {name: strict(s) for name, s in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            out["additionalProperties"] = False
    elif isinstance(schema.get("additionalProperties"), dict):
        out["additionalProperties"] = strict(schema["additionalProperties"])
    if "items" in schema:
        out["items"] = strict(schema["items"])
    return out


def faults(definition, resource):
    """Yields the errors of a resource."""
    group, _, version = resource["apiVersion"].rpartition("/")
    if (group, resource["kind"]) != (definition["spec"]["group"], definition["spec"]["names"]["kind"]):
        yield f"is a {resource['apiVersion']} {resource['kind']}, which is not what is defined"
        return
    schemas = {v["name"]: v["schema"]["openAPIV3Schema"] for v in definition["spec"]["versions"]}
    if version not in schemas:
        yield f"version {version} is not defined, only {', '.join(schemas)}"
        return
    schema = strict(schemas[version])
    for common in ("apiVersion", "kind", "metadata"):
        schema["properties"].setdefault(common, {})
    for error in jsonschema.Draft4Validator(schema).iter_errors(resource):
        yield f"{error.json_path}: {error.message[:200]}"


def main():
    definition, path = sys.argv[1:]
    with open(definition) as f:
        defined = yaml.safe_load(f)
    with open(path) as f:
        found = [fault for resource in yaml.safe_load_all(f) for fault in faults(defined, resource)]
    for fault in found:
        print(f"{path}: {fault}", file=sys.stderr)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
